import FleetAPI

/// Values of a request's query.
extension Routes {
    /// The last of them counts; nil when there is none.
    func number(_ key: String, in request: APIRequest, upTo limit: Int) throws(APIError) -> Int? {
        guard let text = request.target.values(of: key).last else { return nil }
        guard let number = Int(text), (0...limit).contains(number) else {
            throw APIError(400, "\(key): expected a number from 0 to \(limit)")
        }
        return number
    }

    /// `1`, `true`, or the key alone.
    func flag(_ key: String, in request: APIRequest) throws(APIError) -> Bool {
        switch request.target.values(of: key).last {
        case nil, "0", "false": return false
        case "1", "true", "": return true
        default: throw APIError(400, "\(key): expected 1 or 0")
        }
    }
}
