package import FleetModel
package import UnitFile

// `GET /fleet/v2/registry` answers the lines of an export but the last one; `POST` takes an `ImportRequest`.
//
// An export is a file of lines, each a JSON object: an `ExportHeader`, an `ExportedEntry` for everything durable, and
// an `ExportEnd`, without which the file is not whole.

/// The first line of an export: what it is, and of when.
package struct ExportHeader: Hashable, Sendable, Codable {
    /// The form of these lines.
    package var fleetExport: Int
    /// The version of the fleetd that wrote it, for people.
    package var writer: String
    /// The oldest form of values that a fleet must know to use what follows (`meta/format`).
    package var minimumReader: Int
    package var at: Timestamp
    /// Everything that follows was in the registry at this one revision.
    package var revision: Int64
    /// How many entries follow.
    package var entries: Int

    /// The newest form that this version writes and reads.
    package static let form = 1

    package init(writer: String, minimumReader: Int, at: Timestamp, revision: Int64, entries: Int) {
        fleetExport = Self.form
        self.writer = writer
        self.minimumReader = minimumReader
        self.at = at
        self.revision = revision
        self.entries = entries
    }
}

/// One key with its value. What hangs on a lease (presence, status, refusals, the leadership) is never exported: it is
/// not true of another registry.
package struct ExportedEntry: Hashable, Sendable, Codable {
    /// Below the prefix: `units/web.service`.
    package var key: String
    package var value: String

    package init(key: String, value: String) {
        self.key = key
        self.value = value
    }
}

/// The last line of an export, which proves that all of it is there.
package struct ExportEnd: Hashable, Sendable, Codable {
    /// Entries between the first line and this one.
    package var exported: Int
    /// Of all bytes before this line: `head -n -1 FILE | sha256sum`.
    package var sha256: ContentHash

    package init(exported: Int, sha256: ContentHash) {
        self.exported = exported
        self.sha256 = sha256
    }
}

/// All that is durable, as of one revision.
package struct RegistryExport: Hashable, Sendable {
    package var header: ExportHeader
    /// Assignments last, so that a reader has what they refer to before them.
    package var entries: [ExportedEntry]

    package init(header: ExportHeader, entries: [ExportedEntry]) {
        self.header = header
        self.entries = entries
    }
}

/// One step of an import: `begin`, then `entries` as often as it takes, then `finish`. Nobody acts on what is in the
/// registry before `finish`, so an import that breaks off has done nothing and may be begun again.
package struct ImportRequest: Hashable, Sendable, Codable {
    package enum Step: String, Hashable, Sendable, Codable {
        /// Refuses a registry that has a fleet in it; throws away what an import that broke off has left.
        case begin
        case entries
        /// Checks that everything is there and lets all fleetds read it.
        case finish
    }

    package var step: Step
    package var entries: [ExportedEntry]
    /// `finish`: how many entries were sent.
    package var count: Int
    /// `finish`: as the export's header has it.
    package var minimumReader: Int

    package init(step: Step, entries: [ExportedEntry] = [], count: Int = 0, minimumReader: Int = 1) {
        self.step = step
        self.entries = entries
        self.count = count
        self.minimumReader = minimumReader
    }
}
