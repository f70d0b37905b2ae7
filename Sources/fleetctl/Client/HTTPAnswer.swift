/// Reads one HTTP/1.1 response (RFC 9112) from bytes that may be cut anywhere. It knows what fleetd sends: a status, a
/// body of known length, in chunks, or up to the end of the connection.
///
/// A library's client costs fleetctl a thread, an event loop and 10 MB of program for one request on a local socket;
/// that is more time than the request itself (docs/fleetctl.md, Start-up).
struct HTTPAnswer {
    /// What is wrong with the bytes.
    struct Malformed: Error, Hashable {
        var reason: String
    }

    /// Longer heads are not fleetd's.
    static let longestHead = 64 << 10

    /// Which bytes come next.
    private enum Stage: Hashable {
        case head
        case body(remaining: Int)
        case bodyUntilEnd
        case chunkSize
        case chunk(remaining: Int)
        /// The line break behind a chunk.
        case chunkEnd
        case trailer
        case complete
    }

    /// nil until the head is there.
    private(set) var status: Int?
    private(set) var reason = ""
    private var stage = Stage.head
    private var pending: [UInt8] = []

    var isComplete: Bool { stage == .complete }

    /// Takes bytes of the connection, and hands over those of the body.
    mutating func append(_ bytes: some Sequence<UInt8>) throws(Malformed) -> [UInt8] {
        pending += bytes
        var body: [UInt8] = []
        while try advance(&body) {}
        return body
    }

    /// Takes the end of the connection. Throws if the answer is not whole.
    mutating func end() throws(Malformed) {
        if stage == .bodyUntilEnd { stage = .complete }
        guard stage == .complete else { throw Malformed(reason: "the answer ends too early") }
    }

    /// Takes one step; false when it needs more bytes.
    private mutating func advance(_ body: inout [UInt8]) throws(Malformed) -> Bool {
        switch stage {
        case .head:
            return try readHead()
        case .body(let remaining):
            let rest = move(remaining, into: &body)
            stage = rest == 0 ? .complete : .body(remaining: rest)
            return false
        case .bodyUntilEnd:
            _ = move(pending.count, into: &body)
            return false
        case .chunkSize:
            guard let line = try takeLine() else { return false }
            let digits = line.prefix { $0 != UInt8(ascii: ";") && $0 != UInt8(ascii: " ") }
            guard let size = Int(String(decoding: digits, as: UTF8.self), radix: 16), size >= 0 else {
                throw Malformed(reason: "a chunk has no size")
            }
            stage = size == 0 ? .trailer : .chunk(remaining: size)
            return true
        case .chunk(let remaining):
            let rest = move(remaining, into: &body)
            stage = rest == 0 ? .chunkEnd : .chunk(remaining: rest)
            return rest == 0
        case .chunkEnd:
            guard let line = try takeLine() else { return false }
            guard line.isEmpty else { throw Malformed(reason: "a chunk is longer than its size") }
            stage = .chunkSize
            return true
        case .trailer:
            guard let line = try takeLine() else { return false }
            if line.isEmpty { stage = .complete }
            return !line.isEmpty
        case .complete:
            return false
        }
    }

    private mutating func readHead() throws(Malformed) -> Bool {
        guard let end = Self.endOfHead(pending) else {
            guard pending.count <= Self.longestHead else { throw Malformed(reason: "the head is too long") }
            return false
        }
        let lines = String(decoding: pending[..<end], as: UTF8.self).split(separator: "\r\n")
        pending.removeFirst(end + 4)
        let words = (lines.first ?? "").split(separator: " ", maxSplits: 2)
        guard words.count >= 2, words[0].hasPrefix("HTTP/1."), let code = Int(words[1]), (100...599).contains(code)
        else { throw Malformed(reason: "it does not start as HTTP") }
        // An interim answer (RFC 9110, 15.2): the real one follows.
        if code < 200 { return true }
        status = code
        reason = words.count > 2 ? String(words[2]) : ""
        stage = try Self.bodyStage(code, lines.dropFirst())
        return true
    }

    /// How the body is delimited (RFC 9112, 6.3).
    private static func bodyStage(_ code: Int, _ lines: ArraySlice<Substring>) throws(Malformed) -> Stage {
        if code == 204 || code == 304 { return .complete }
        var stage = Stage.bodyUntilEnd
        for line in lines {
            guard let colon = line.firstIndex(of: ":") else { throw Malformed(reason: "a header has no colon") }
            let value = line[line.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
            switch line[..<colon].lowercased() {
            case "transfer-encoding":
                guard value.lowercased() == "chunked" else { throw Malformed(reason: "its encoding is unknown") }
                return .chunkSize
            case "content-length":
                guard let length = Int(value), length >= 0 else { throw Malformed(reason: "its length is no number") }
                stage = length == 0 ? .complete : .body(remaining: length)
            default:
                break
            }
        }
        return stage
    }

    /// Moves at most `count` pending bytes to the body; returns how many are still missing.
    private mutating func move(_ count: Int, into body: inout [UInt8]) -> Int {
        let taken = min(count, pending.count)
        body += pending[..<taken]
        pending.removeFirst(taken)
        return count - taken
    }

    /// A line of the chunked framing, without its line break.
    private mutating func takeLine() throws(Malformed) -> [UInt8]? {
        guard let newline = pending.firstIndex(of: UInt8(ascii: "\n")) else {
            guard pending.count <= Self.longestHead else { throw Malformed(reason: "a line is too long") }
            return nil
        }
        var line = Array(pending[..<newline])
        pending.removeFirst(newline + 1)
        if line.last == UInt8(ascii: "\r") { line.removeLast() }
        return line
    }

    private static func endOfHead(_ bytes: [UInt8]) -> Int? {
        guard bytes.count >= 4 else { return nil }
        return (0...(bytes.count - 4)).first { start in
            bytes[start] == 13 && bytes[start + 1] == 10 && bytes[start + 2] == 13 && bytes[start + 3] == 10
        }
    }
}
