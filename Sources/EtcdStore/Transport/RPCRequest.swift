import NIOCore
import NIOHPACK
import SwiftProtobuf

/// One of etcd's methods, with the types of its messages.
struct RPCMethod<Request: Message, Answer: Message>: Sendable {
    /// The HTTP/2 path: `/PACKAGE.SERVICE/METHOD`.
    let path: String
}

/// A request as it goes over the wire: gRPC over HTTP/2 (grpc's PROTOCOL-HTTP2.md).
struct RPCRequest: Sendable {
    let headers: HPACKHeaders
    /// The message with its prefix.
    let body: ByteBuffer

    /// `timeout` nil: for as long as the connection lasts.
    init(path: String, message: [UInt8], endpoint: String, usesTLS: Bool, token: String?, timeout: Duration?) {
        var headers = HPACKHeaders([
            (":method", "POST"), (":scheme", usesTLS ? "https" : "http"), (":path", path), (":authority", endpoint),
            ("content-type", "application/grpc"), ("te", "trailers"),
            // Without a leader the member says so at once, instead of answering from what it knew last.
            ("hasleader", "true"),
        ])
        if let token { headers.add(name: "token", value: token, indexing: .nonIndexable) }
        if let timeout { headers.add(name: "grpc-timeout", value: Self.text(timeout)) }
        self.headers = headers
        var body = ByteBuffer()
        body.reserveCapacity(message.count + MessageReader.prefixBytes)
        body.writeInteger(0 as UInt8)  // not compressed
        body.writeInteger(UInt32(message.count))
        body.writeBytes(message)
        self.body = body
    }

    /// At most eight digits and a unit.
    private static func text(_ timeout: Duration) -> String {
        let (seconds, attoseconds) = timeout.components
        return "\(max(1, seconds * 1000 + attoseconds / 1_000_000_000_000_000))m"
    }
}

/// Takes a stream of bytes apart into gRPC's messages.
struct MessageReader {
    /// One byte says whether the message is compressed, four how long it is.
    static let prefixBytes = 5

    private var buffer = ByteBuffer()

    mutating func append(_ data: ByteBuffer) {
        var data = data
        if buffer.readableBytes == 0 {
            buffer = data
        } else {
            buffer.writeBuffer(&data)
        }
    }

    /// The next whole message, if it has arrived.
    mutating func next() -> [UInt8]? {
        let start = buffer.readerIndex
        guard let length = buffer.getInteger(at: start + 1, as: UInt32.self) else { return nil }
        guard buffer.readableBytes >= Self.prefixBytes + Int(length) else { return nil }
        buffer.moveReaderIndex(forwardBy: Self.prefixBytes)
        defer { buffer.discardReadBytes() }
        return buffer.readBytes(length: Int(length))
    }
}

/// What an answer's headers and trailers say about its end; nil while they say nothing.
enum AnswerStatus {
    static func read(_ headers: HPACKHeaders) -> (RPCFailure.Status, String)? {
        if let code = headers.first(name: "grpc-status").flatMap(Int.init) {
            return (RPCFailure.Status(rawValue: code), percentDecoded(headers.first(name: "grpc-message") ?? ""))
        }
        let status = headers.first(name: ":status") ?? "200"
        guard status == "200" else {
            return (.unknown, "HTTP status \(status): this is not an etcd member's client port")
        }
        return nil
    }

    private static func percentDecoded(_ text: String) -> String {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            let digits = rest.prefix(2)
            if byte == UInt8(ascii: "%"), digits.count == 2,
                let value = UInt8(String(decoding: digits, as: UTF8.self), radix: 16)
            {
                bytes.append(value)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
