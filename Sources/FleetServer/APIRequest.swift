import FleetAPI
import HTTPTypes

/// One request as the routes see it.
struct APIRequest: Sendable {
    var method: HTTPRequest.Method
    var target: RequestTarget
    var headers: HTTPFields
    /// Who asks; found out only when somebody wants to know.
    var user: @Sendable () async -> String
    /// The whole body, or an error when it is too large or does not come.
    var body: @Sendable () async throws(APIError) -> [UInt8]

    /// The body as JSON. Throws 415 unless it is declared as such, in exactly one header: a browser's form cannot do
    /// that.
    func json<Value: Decodable & Sendable>(_ type: Value.Type, isDeclared: Bool = true) async throws(APIError) -> Value
    {
        let types = headers[values: .contentType]
        if isDeclared {
            guard types.count == 1, Self.isJSON(types[0]) else {
                throw APIError(415, "Content-Type must be application/json")
            }
        }
        return try JSON.decode(type, from: try await body())
    }

    private static func isJSON(_ type: String) -> Bool {
        let media = type.split(separator: ";", maxSplits: 1).first ?? ""
        return media.filter { $0 != " " }.lowercased() == "application/json"
    }
}
