import FleetAPI
import FoundationEssentials

/// The API's JSON: what we write has sorted keys, what we read is checked strictly and refused with the field's name.
enum JSON {
    /// Traps when `value` cannot be encoded: that is a mistake in its type, not in any input.
    static func encode(_ value: some Encodable) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            return Array(try encoder.encode(value))
        } catch {
            preconditionFailure("\(value) does not encode: \(error)")
        }
    }

    static func decode<Value: Decodable>(_ type: Value.Type, from bytes: [UInt8]) throws(APIError) -> Value {
        if let problem = JSONCheck.problem(in: bytes) { throw APIError(400, problem) }
        do {
            return try JSONDecoder().decode(type, from: Data(bytes))
        } catch let error as APIError {
            throw error
        } catch let error as DecodingError {
            throw APIError(400, explain(error))
        } catch {
            throw APIError(400, "the body cannot be read: \(error)")
        }
    }

    private static func explain(_ error: DecodingError) -> String {
        switch error {
        case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
            "\(field(context.codingPath)): \(context.debugDescription)"
        case .keyNotFound(let key, let context):
            "\(field(context.codingPath + [key])): is missing"
        @unknown default:
            "\(error)"
        }
    }

    /// `units[3].name`
    private static func field(_ path: [any CodingKey]) -> String {
        let text = path.reduce("") { text, key in
            if let index = key.intValue { return text + "[\(index)]" }
            return text.isEmpty ? key.stringValue : "\(text).\(key.stringValue)"
        }
        return text.isEmpty ? "the body" : text
    }
}
