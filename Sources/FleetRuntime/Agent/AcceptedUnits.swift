import FleetModel
import FleetRegistry
import Logging
import UnitFile

/// What this machine was told last, kept where a boot does not lose it: a machine that comes up and cannot reach the
/// registry starts it (promise P1). An actor, so that a slow disk keeps nobody else waiting.
actor AcceptedUnits {
    private struct Entry: Codable {
        var assignment: Assignment
        var text: String
    }

    private let store: any LedgerStore
    private let log: Logger
    /// What is kept, as fingerprints of assignments; nil before it was read.
    private var kept: [UnitName: ContentHash]?
    /// What was recalled, until the registry is heard.
    private var recalled: [UnitName: Entry] = [:]

    init(_ store: any LedgerStore, log: Logger) {
        self.store = store
        self.log = log
    }

    var units: Set<UnitName> { Set(fingerprints().keys) }

    /// What was told last; `text` has the texts until `heard`.
    func recall() -> [UnitName: Assignment] {
        recalled = entries()
        return recalled.mapValues(\.assignment)
    }

    /// The registry has told what is assigned: nothing has to be recalled any more.
    func heard() { recalled = [:] }

    /// The text that was recalled with the unit's assignment, if it is this one.
    func text(_ file: ContentHash, of unit: UnitName) -> String? {
        guard let entry = recalled[unit], entry.assignment.file == file, ContentHash(of: entry.text) == file else {
            return nil
        }
        return entry.text
    }

    func isNew(_ assignment: Assignment, of unit: UnitName) -> Bool {
        fingerprints()[unit] != Self.fingerprint(assignment)
    }

    func keep(_ assignment: Assignment, _ text: String, of unit: UnitName) {
        write(RegistryValue.encode(Entry(assignment: assignment, text: text)), of: unit)
        kept?[unit] = Self.fingerprint(assignment)
    }

    func forget(_ unit: UnitName) {
        guard fingerprints()[unit] != nil else { return }
        write(nil, of: unit)
        kept?[unit] = nil
    }

    private func fingerprints() -> [UnitName: ContentHash] {
        if let kept { return kept }
        let read = entries().mapValues { Self.fingerprint($0.assignment) }
        kept = read
        return read
    }

    private static func fingerprint(_ assignment: Assignment) -> ContentHash {
        ContentHash(of: String(decoding: RegistryValue.encode(assignment), as: UTF8.self))
    }

    private func entries() -> [UnitName: Entry] {
        var entries: [UnitName: Entry] = [:]
        do {
            for (unit, bytes) in try store.values() {
                do throws(RegistryValueError) {
                    entries[unit] = try RegistryValue.decode(Entry.self, from: bytes)
                } catch {
                    log.error("What was accepted of \(unit) \(error.message); taken as not there")
                }
            }
        } catch {
            log.error("What this machine was told last cannot be read: \(error)")
        }
        return entries
    }

    private func write(_ bytes: [UInt8]?, of unit: UnitName) {
        do {
            try store.keep(bytes, of: unit)
        } catch {
            log.error("What this machine was told cannot be written: \(error)", metadata: ["unit": "\(unit)"])
        }
    }
}
