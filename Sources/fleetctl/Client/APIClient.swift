import FleetAPI
import FleetModel
import FoundationEssentials
import UnitFile

/// fleetd's API as fleetctl uses it. Every call is one request on a connection of its own; every error is a `Failure`
/// whose text says what to do.
struct APIClient: Sendable {
    var settings: Settings
    var console: any Console

    init(_ global: GlobalOptions, in context: Context) throws(Failure) {
        settings = try global.settings(in: context)
        console = context.console
    }

    func machines() throws -> MachineListing { try get(RequestPath("machines")) }

    func brake() throws -> BrakeReport { try get(RequestPath("brake")) }

    func releaseBrake() throws -> BrakeReport { try get(RequestPath("brake", "release"), method: "POST") }

    func volumes() throws -> VolumeListing { try get(RequestPath("volumes")) }

    func forgetVolumes(_ volumes: [VolumeName]) throws -> VolumeListing {
        let body = try JSONEncoder().encode(ForgetVolumesRequest(volumes: volumes))
        return try get(RequestPath("volumes", "forget"), method: "POST", body: Array(body))
    }

    func units() throws -> UnitListing { try get(RequestPath("units")) }

    /// `name` may be that of a Quadlet file.
    func unit(_ name: String) throws -> UnitDetail { try get(RequestPath("units", name)) }

    func version() throws -> VersionReport { try get(RequestPath("version")) }

    /// Sends a change and hands over its progress as it comes.
    func change(
        _ request: ChangeRequest,
        giveUpAfter limit: Duration? = nil,
        each: (ChangeProgress) throws -> Void
    ) throws {
        let body = try JSONEncoder().encode(request)
        try lines(.init(method: "POST", path: RequestPath("change"), body: Array(body)), limit: limit, each: each)
    }

    /// Sends an order and hands over its progress as it comes.
    func order(_ request: MachineOrderRequest, each: (MachineProgress) throws -> Void) throws {
        let body = try JSONEncoder().encode(request)
        try lines(.init(method: "POST", path: RequestPath("machines", "orders"), body: Array(body)), each: each)
    }

    /// Hands over journal lines as they come; with `follow`, until the connection ends.
    func journal(
        of name: String,
        lines count: Int,
        follow: Bool = false,
        each: (JournalLine) throws -> Void
    ) throws {
        var path = RequestPath("units", name, "journal")
        path.text += "?lines=\(count)" + (follow ? "&follow=1" : "")
        try lines(.init(method: "GET", path: path), each: each)
    }

    /// Hands over events as they come; with `follow`, until the connection ends. No patterns: everything.
    func events(
        of patterns: [String],
        lines count: Int,
        follow: Bool = false,
        each: (EventLine) throws -> Void
    ) throws {
        var path = RequestPath("events")
        path.text += "?lines=\(count)" + (follow ? "&follow=1" : "")
        for pattern in patterns { path.text += "&unit=" + RequestPath.encoded(pattern) }
        try lines(.init(method: "GET", path: path), each: each)
    }

    /// Hands over the lines of an export, without the last one.
    func exportRegistry(each: ([UInt8]) throws -> Void) throws {
        try rawLines(.init(method: "GET", path: RequestPath("registry")), each: each)
    }

    func importRegistry(_ request: ImportRequest) throws {
        let body = try JSONEncoder().encode(request)
        var said: [UInt8] = []
        let answer = try exchange(.init(method: "POST", path: RequestPath("registry"), body: Array(body)))
            .perform(.wholeAnswer) { piece, _ in said += piece }
        try check(answer, said)
    }

    func get<Value: Decodable>(
        _ path: RequestPath,
        method: String = "GET",
        body sent: [UInt8]? = nil
    ) throws -> Value {
        var body: [UInt8] = []
        var request = Exchange.Request(method: method, path: path)
        if let sent { request.body = sent }
        let answer = try exchange(request).perform(.wholeAnswer) { piece, _ in body += piece }
        try check(answer, body)
        return try decode(body)
    }

    private func lines<Value: Decodable>(
        _ request: Exchange.Request,
        limit: Duration? = nil,
        each: (Value) throws -> Void
    ) throws {
        try rawLines(request, limit: limit) { try each(decode($0)) }
    }

    private func rawLines(
        _ request: Exchange.Request,
        limit: Duration? = nil,
        each: ([UInt8]) throws -> Void
    ) throws {
        var splitter = LineSplitter()
        var refusal: [UInt8] = []
        let answer = try exchange(request).perform(.headThenStream(limit)) { piece, status in
            guard status == 200 else {
                refusal += piece
                return
            }
            for line in splitter.append(piece) { try each(line) }
        }
        try check(answer, refusal)
        if let rest = splitter.finish() { try each(rest) }
    }

    private func exchange(_ request: Exchange.Request) -> Exchange {
        if settings.isDebug {
            console.complain("fleetctl: debug: \(request.method) \(request.path.text) on \(settings.endpoint.path)")
        }
        return Exchange(request: request, socket: settings.endpoint.path, timeout: settings.timeout)
    }

    /// Throws fleetd's `APIError` as it is, so that a command can tell a missing unit from the rest.
    private func check(_ answer: HTTPAnswer, _ body: [UInt8]) throws {
        guard let status = answer.status, status != 200 else { return }
        if let refusal = try? JSONDecoder().decode(APIError.self, from: Data(body)) { throw refusal }
        let start = String(decoding: body.prefix(200), as: UTF8.self).printable()
        throw APIError(status, "fleetd answered \(status) \(answer.reason): \(start)")
    }

    private func decode<Value: Decodable>(_ bytes: [UInt8]) throws(Failure) -> Value {
        do {
            return try JSONDecoder().decode(Value.self, from: Data(bytes))
        } catch {
            let start = String(decoding: bytes.prefix(200), as: UTF8.self).printable()
            throw Failure(
                "fleetctl: fleetd's answer is not understood (compare 'fleetctl version --daemon'): \(start)"
            )
        }
    }
}

/// A path below `/fleet/v2`.
struct RequestPath: Hashable, Sendable {
    var text: String

    /// Every component is percent-encoded (RFC 3986), save the characters of ordinary unit names.
    init(_ components: String...) {
        text = "/fleet/v2" + components.map { "/" + Self.encoded($0) }.joined()
    }

    /// For a component of a path, or a value of a query.
    static func encoded(_ component: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var bytes: [UInt8] = []
        for byte in component.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"), UInt8(ascii: "@"), UInt8(ascii: ":"):
                bytes.append(byte)
            default:
                bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
