import FleetAPI
import FoundationEssentials
import NIOCore
import NIOHTTP1
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

    func machines() async throws -> MachineListing { try await get(RequestPath("machines")) }

    func units() async throws -> UnitListing { try await get(RequestPath("units")) }

    func unit(_ name: UnitName) async throws -> UnitDetail { try await get(RequestPath("units", name.description)) }

    func version() async throws -> ServerVersion { try await get(RequestPath("version")) }

    /// Sends a change and hands over its progress as it comes.
    func change(
        _ request: ChangeRequest,
        giveUpAfter limit: Duration? = nil,
        each: (ChangeProgress) throws -> Void
    ) async throws {
        let body = try JSONEncoder().encode(request)
        try await lines(.init(method: .POST, path: RequestPath("change"), body: Array(body)), limit: limit, each: each)
    }

    /// Hands over journal lines as they come; with `follow`, until the connection ends.
    func journal(
        of name: UnitName,
        lines count: Int,
        follow: Bool = false,
        each: (JournalLine) throws -> Void
    ) async throws {
        var path = RequestPath("units", name.description, "journal")
        path.text += "?lines=\(count)" + (follow ? "&follow=1" : "")
        try await lines(.init(method: .GET, path: path), each: each)
    }

    private func get<Value: Decodable>(_ path: RequestPath) async throws -> Value {
        var body = ByteBuffer()
        let status = try await exchange(.init(method: .GET, path: path)).perform(limit: .wholeAnswer) { chunk, _ in
            body.writeImmutableBuffer(chunk)
        }
        try check(status, body)
        return try decode(Array(body.readableBytesView))
    }

    private func lines<Value: Decodable>(
        _ request: Exchange.Request,
        limit: Duration? = nil,
        each: (Value) throws -> Void
    ) async throws {
        var splitter = LineSplitter()
        var refusal = ByteBuffer()
        let status = try await exchange(request).perform(limit: .headThenStream(limit)) { chunk, status in
            guard status == .ok else {
                refusal.writeImmutableBuffer(chunk)
                return
            }
            for line in splitter.append(chunk.readableBytesView) { try each(decode(line)) }
        }
        try check(status, refusal)
        if let rest = splitter.finish() { try each(decode(rest)) }
    }

    private func exchange(_ request: Exchange.Request) -> Exchange {
        if settings.isDebug {
            console.complain("fleetctl: debug: \(request.method) \(request.path.text) on \(settings.endpoint.path)")
        }
        return Exchange(request: request, socket: settings.endpoint.path, timeout: settings.timeout)
    }

    /// Throws fleetd's `APIError` as it is, so that a command can tell a missing unit from the rest.
    private func check(_ status: HTTPResponseStatus, _ body: ByteBuffer) throws {
        guard status != .ok else { return }
        let bytes = Array(body.readableBytesView)
        if let refusal = try? JSONDecoder().decode(APIError.self, from: Data(bytes)) { throw refusal }
        let start = String(decoding: bytes.prefix(200), as: UTF8.self)
        throw APIError(Int(status.code), "fleetd answered \(status.code) \(status.reasonPhrase): \(start)")
    }

    private func decode<Value: Decodable>(_ bytes: [UInt8]) throws(Failure) -> Value {
        do {
            return try JSONDecoder().decode(Value.self, from: Data(bytes))
        } catch {
            let start = String(decoding: bytes.prefix(200), as: UTF8.self)
            throw Failure(
                "fleetctl: fleetd's answer is not understood (compare 'fleetctl version --daemon'): \(start)"
            )
        }
    }
}

/// `GET /fleet/v2/version`
struct ServerVersion: Hashable, Sendable, Codable {
    var version: String
}

/// A path below `/fleet/v2`.
struct RequestPath: Hashable, Sendable {
    var text: String

    /// Every component is percent-encoded (RFC 3986), save the characters of ordinary unit names.
    init(_ components: String...) {
        text = "/fleet/v2" + components.map { "/" + Self.encoded($0) }.joined()
    }

    private static func encoded(_ component: String) -> String {
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
