/// As much of an HTTP/1 answer as a check needs: its status line, and the beginning of its body for people.
struct HTTPAnswer {
    enum Status: Hashable {
        /// With the line's words, such as `HTTP 503 Service Unavailable`.
        case code(Int, String)
        case malformed
    }

    private(set) var bytes: [UInt8] = []

    mutating func add(_ part: some Collection<UInt8>, limit: Int) {
        bytes += part.prefix(max(0, limit - bytes.count))
    }

    /// nil as long as the first line is not there.
    var status: Status? {
        guard let end = bytes.firstIndex(of: UInt8(ascii: "\n")) else {
            return bytes.starts(with: "HTTP/1.".utf8.prefix(bytes.count)) ? nil : .malformed
        }
        let line = String(decoding: bytes[..<end], as: UTF8.self)
        let words = line.split(maxSplits: 2, omittingEmptySubsequences: true, whereSeparator: \.isWhitespace)
        guard line.hasPrefix("HTTP/1."), words.count >= 2, words[1].utf8.count == 3, let code = Int(words[1]),
            (200...599).contains(code)
        else { return .malformed }
        let reason = words.count > 2 ? words[2].split(whereSeparator: \.isNewline).first.map { " \($0)" } : nil
        return .code(code, "HTTP \(code)\(reason ?? "")")
    }

    /// What came of the body; empty before there is one.
    private var body: ArraySlice<UInt8> {
        guard let end = endOfHead else { return [] }
        var body = bytes[end...]
        if field("transfer-encoding").contains("chunked") {
            // The first chunk is enough; its size is on a line of its own.
            body = body.drop { $0 != UInt8(ascii: "\n") }.dropFirst().prefix { $0 != UInt8(ascii: "\r") }
        }
        return body
    }

    /// True once the whole body is there, as far as it says how long it is.
    var isWhole: Bool {
        guard let end = endOfHead, let length = Int(field("content-length")) else { return false }
        return bytes.count - end >= length
    }

    /// The status with the first line of the body that says something.
    func problem(_ line: String) -> String {
        let text = String(decoding: body, as: UTF8.self)
        let first = text.split(whereSeparator: \.isNewline).first { $0.contains { !$0.isWhitespace } }
        return first.map { "\(line): \($0)" } ?? line
    }

    private var endOfHead: Int? {
        let mark = Array("\r\n\r\n".utf8)
        guard bytes.count >= mark.count else { return nil }
        return (0...bytes.count - mark.count).first { bytes[$0..<$0 + mark.count].elementsEqual(mark) }
            .map { $0 + mark.count }
    }

    /// A field of the head, without the spaces around it; empty when it is not there.
    private func field(_ name: String) -> String {
        guard let end = endOfHead else { return "" }
        for line in String(decoding: bytes[..<end], as: UTF8.self).split(whereSeparator: \.isNewline).dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2, parts[0].lowercased() == name else { continue }
            return parts[1].lowercased().filter { !$0.isWhitespace }
        }
        return ""
    }
}
