package import FleetModel

extension V1 {
    /// One element of the body of `PATCH /machines`: `{"op":"add","path":"/ID/metadata/KEY","value":{"value":"x"}}`.
    /// fleet's documentation had `"value":"x"` and its code the object; both are read.
    package struct MachinePatch: Hashable, Sendable, Decodable {
        package enum Operation: Hashable, Sendable {
            case set(String)
            case remove
        }

        package var machine: MachineID
        package var key: String
        package var operation: Operation

        private enum CodingKeys: String, CodingKey { case op, path, value }
        private struct Wrapped: Decodable { var value: String }

        package init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            let op = try container.decodeIfPresent(String.self, forKey: .op) ?? ""
            guard ["add", "remove", "replace"].contains(op) else {
                throw APIError(400, "invalid op: expect add, remove, or replace")
            }
            let path = try container.decodeIfPresent(String.self, forKey: .path) ?? ""
            (machine, key) = try Self.target(path)
            if op == "remove" {
                operation = .remove
                return
            }
            guard let value = Self.value(container), !value.isEmpty else {
                throw APIError(400, "invalid value: add and replace require a value")
            }
            operation = .set(value)
        }

        private static func value(_ container: KeyedDecodingContainer<CodingKeys>) -> String? {
            if let plain = try? container.decode(String.self, forKey: .value) { return plain }
            return (try? container.decode(Wrapped.self, forKey: .value))?.value
        }

        /// `/ID/metadata/KEY`, the key of `[A-Za-z0-9_.-]`.
        private static func target(_ path: String) throws(APIError) -> (MachineID, String) {
            let parts = path.split(separator: "/", omittingEmptySubsequences: false)
            guard parts.count == 4, parts[0].isEmpty, parts[2] == "metadata", !parts[3].isEmpty,
                parts[3].utf8.allSatisfy(isKeyByte)
            else { throw APIError(400, "machine metadata path invalid: expect /MACHINE-ID/metadata/KEY") }
            guard let machine = MachineID(String(parts[1])) else {
                throw APIError(400, "machine metadata path invalid: a machine id is 32 hexadecimal digits")
            }
            return (machine, String(parts[3]))
        }

        private static func isKeyByte(_ byte: UInt8) -> Bool {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "-"): true
            default: false
            }
        }
    }
}
