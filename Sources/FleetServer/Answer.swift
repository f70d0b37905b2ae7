import FleetAPI
import FoundationEssentials
import HTTPTypes
import HummingbirdCore
import NIOCore

/// What a route answers.
enum Answer: Sendable {
    /// No body: 201 or 204.
    case empty(HTTPResponse.Status)
    case json(HTTPResponse.Status, [UInt8])
    /// 200 and one JSON object per line for as long as `body` runs; when it throws, the connection breaks off, which is
    /// how a reader of chunks tells an unfinished answer.
    case lines(@Sendable (inout LineWriter) async throws -> Void)
    /// 405 with what is allowed.
    case methodNotAllowed([HTTPRequest.Method])

    static func failure(_ error: APIError) -> Answer {
        .json(HTTPResponse.Status(code: error.error.code), JSON.encode(error))
    }

    static func value(_ value: some Encodable) -> Answer { .json(.ok, JSON.encode(value)) }

    private var body: [UInt8] {
        switch self {
        case .empty, .lines: []
        case .json(_, let bytes): bytes
        case .methodNotAllowed(let methods):
            JSON.encode(
                APIError(
                    405,
                    methods.isEmpty
                        ? "nothing is to be had here; GET /fleet/v1/discovery says where"
                        : "method not allowed here: only \(Self.list(methods))"
                )
            )
        }
    }

    private static func list(_ methods: [HTTPRequest.Method]) -> String {
        methods.map(\.rawValue).joined(separator: ", ")
    }

    var status: HTTPResponse.Status {
        switch self {
        case .empty(let status), .json(let status, _): status
        case .lines: .ok
        case .methodNotAllowed: .methodNotAllowed
        }
    }

    private func headers(server: String) -> HTTPFields {
        var headers = HTTPFields()
        headers[.server] = server
        switch self {
        case .empty: break
        case .json: headers[.contentType] = "application/json"
        case .lines: headers[.contentType] = "application/x-ndjson"
        case .methodNotAllowed(let methods):
            headers[.contentType] = "application/json"
            headers[.allow] = Self.list(methods)
        }
        return headers
    }

    /// Writes the answer; just its head for HEAD. `closes` says that the connection ends with it.
    func write(
        to writer: consuming ResponseWriter,
        server: String,
        isHead: Bool,
        closes: Bool
    ) async throws {
        var head = HTTPResponse(status: status, headerFields: headers(server: server))
        if closes { head.headerFields[.connection] = "close" }
        if case .lines(let produce) = self {
            guard !isHead else { return try await writer.writeResponse(head) }
            var lines = LineWriter(try await writer.writeHead(head))
            try await produce(&lines)
            return try await lines.finish()
        }
        let body = body
        if status != .noContent { head.headerFields[.contentLength] = String(body.count) }
        if isHead || body.isEmpty {
            try await writer.writeResponse(head)
        } else {
            try await writer.write(response: head, body: ResponseBody(byteBuffer: ByteBuffer(bytes: body)))
        }
    }

    /// The whole answer as bytes, for a connection on which HTTP has come to nothing.
    func onTheWire(server: String) -> [UInt8] {
        let body = body
        var text = "HTTP/1.1 \(status.code) \(status.reasonPhrase)\r\n"
        for field in headers(server: server) { text += "\(field.name.rawName): \(field.value)\r\n" }
        text += "Connection: close\r\nContent-Length: \(body.count)\r\n\r\n"
        return Array(text.utf8) + body
    }
}

/// Writes values as lines of JSON, each at once.
struct LineWriter {
    private var writer: any ResponseBodyWriter

    init(_ writer: any ResponseBodyWriter) { self.writer = writer }

    mutating func write(_ values: [some Encodable]) async throws {
        guard !values.isEmpty else { return }
        var buffer = ByteBuffer()
        for value in values {
            buffer.writeBytes(JSON.encode(value))
            buffer.writeInteger(UInt8(ascii: "\n"))
        }
        try await writer.write(buffer)
    }

    consuming func finish() async throws { try await writer.finish(nil) }
}
