package import FleetModel
import FoundationEssentials

/// The codec of everything stored except unit files: JSON with sorted keys, so that equal values are equal bytes and
/// `etcdctl get --prefix /fleet/` is a debugger. Every object carries `"v"`, the version of its form.
package enum RegistryValue {
    /// The newest form that this version of fleet writes and reads.
    package static let version = 1

    /// Traps when `value` does not encode as a JSON object: that is a mistake in the schema, not in the input.
    package static func encode(_ value: some Encodable) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            return Array(try encoder.encode(Versioned(value: value)))
        } catch {
            preconditionFailure("\(value) does not encode: \(error)")
        }
    }

    /// Throws a `RegistryValueError` for a newer form, and for bytes that are not this value.
    package static func decode<Value: Decodable>(
        _ type: Value.Type,
        from bytes: [UInt8]
    ) throws(RegistryValueError) -> Value {
        let decoder = JSONDecoder()
        let data = Data(bytes)
        do {
            return try decoder.decode(VersionedDecoding<Value>.self, from: data).value
        } catch let error as RegistryValueError {
            throw error
        } catch let error as DecodingError {
            throw RegistryValueError(isNewer: false, message: "is not a \(type): \(Self.explain(error))")
        } catch {
            throw RegistryValueError(isNewer: false, message: "is not a \(type): \(error)")
        }
    }

    private static func explain(_ error: DecodingError) -> String {
        switch error {
        case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
            let path = context.codingPath.map(\.stringValue).joined(separator: ".")
            return path.isEmpty ? context.debugDescription : "\(path): \(context.debugDescription)"
        case .keyNotFound(let key, _):
            return "it has no \"\(key.stringValue)\""
        @unknown default:
            return "\(error)"
        }
    }
}

/// Why a stored value cannot be read.
package struct RegistryValueError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A newer version of fleet wrote it.
    package var isNewer: Bool
    package var message: String

    package var description: String { message }
}

/// Stored at `meta/format`. A fleetd that reads a larger `minimumReader` than its `RegistryValue.version` neither
/// writes nor decides: a newer version of fleet is at work there.
package struct RegistryFormat: Hashable, Sendable, Codable {
    package var minimumReader: Int
    /// Version of the fleetd that wrote this, for people.
    package var writer: String

    package init(minimumReader: Int, writer: String) {
        self.minimumReader = minimumReader
        self.writer = writer
    }
}

/// Stored at `leader`.
package struct LeaderRecord: Hashable, Sendable, Codable {
    package var machine: MachineID
    package var since: Timestamp

    package init(machine: MachineID, since: Timestamp) {
        self.machine = machine
        self.since = since
    }
}

/// Stored at `machines/MACHINE/labels`; see `Machine.labels`.
package struct MachineLabels: Hashable, Sendable, Codable {
    package var labels: [String: String?]

    package init(labels: [String: String?]) { self.labels = labels }
}

private enum VersionKey: String, CodingKey {
    case v
}

private struct Versioned<Value: Encodable>: Encodable {
    var value: Value

    func encode(to encoder: any Encoder) throws {
        try value.encode(to: encoder)
        var container = encoder.container(keyedBy: VersionKey.self)
        try container.encode(RegistryValue.version, forKey: .v)
    }
}

private struct VersionedDecoding<Value: Decodable>: Decodable {
    var value: Value

    init(from decoder: any Decoder) throws {
        let version = try decoder.container(keyedBy: VersionKey.self).decode(Int.self, forKey: .v)
        guard version <= RegistryValue.version else {
            throw RegistryValueError(
                isNewer: true,
                message: "is of form \(version), written by a newer fleet; this one reads up to "
                    + "\(RegistryValue.version): upgrade fleetd on this machine"
            )
        }
        value = try Value(from: decoder)
    }
}
