import Testing

@testable import fleetctl

@Suite struct HTTPAnswerTests {
    static let head = "HTTP/1.1 200 OK\r\nServer: x\r\n"

    /// Feeds the text, cut in two at `cut`, and then the end of the connection.
    static func read(_ text: String, cut: Int = 0) throws -> (status: Int?, body: String) {
        let bytes = Array(text.utf8)
        var answer = HTTPAnswer()
        var body = try answer.append(bytes[..<cut])
        body += try answer.append(bytes[cut...])
        try answer.end()
        return (answer.status, String(decoding: body, as: UTF8.self))
    }

    @Test(arguments: [
        (head + "Content-Length: 5\r\n\r\nhello", "hello"),
        (head + "content-length:5\r\n\r\nhello and more", "hello"),
        (head + "Content-Length: 0\r\n\r\n", ""),
        (head + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;x=y\r\n world\r\n0\r\n\r\n", "hello world"),
        (head + "Transfer-Encoding: Chunked\r\n\r\n0\r\nTrailer: x\r\n\r\n", ""),
        (head + "Connection: close\r\n\r\nup to the end", "up to the end"),
        ("HTTP/1.1 100 Continue\r\n\r\n" + head + "Content-Length: 2\r\n\r\nok", "ok"),
        ("HTTP/1.0 200\r\n\r\nok", "ok"),
    ])
    func answers(_ text: String, _ body: String) throws {
        for cut in 0...text.utf8.count {
            let result = try Self.read(text, cut: cut)
            #expect(result.status == 200 && result.body == body, "cut at \(cut)")
        }
    }

    @Test(arguments: [
        "", "HTTP/1.1 200 OK\r\n", "SSH-2.0-OpenSSH\r\n\r\n", "HTTP/1.1 abc OK\r\n\r\n", "HTTP/1.1 999 OK\r\n\r\n",
        head + "Content-Length: 5\r\n\r\nhell", head + "Content-Length: -1\r\n\r\n", head + "Content-Length: x\r\n\r\n",
        head + "no colon\r\n\r\n", head + "Transfer-Encoding: gzip\r\n\r\n",
        head + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", head + "Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        head + "Transfer-Encoding: chunked\r\n\r\n-5\r\n",
        head + "Transfer-Encoding: chunked\r\n\r\n2\r\nhello\r\n0\r\n\r\n",
        head + "X: " + String(repeating: "x", count: HTTPAnswer.longestHead + 1),
    ])
    func malformed(_ text: String) {
        #expect(throws: HTTPAnswer.Malformed.self) { try Self.read(text) }
    }

    @Test func noContent() throws {
        #expect(try Self.read("HTTP/1.1 204 No Content\r\n\r\n").status == 204)
    }
}
