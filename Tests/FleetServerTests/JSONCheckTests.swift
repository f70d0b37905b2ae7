import FleetAPI
import Testing

@Suite struct JSONCheckTests {
    @Test(arguments: [
        "{}", "[]", " null ", "true", "false", "0", "-0", "12.5e+3", "1E9", #""""#,
        #""a\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00""#,
        #"{"a":[1,2,{"b":null}],"c":"d"}"#, "[\n1 ,\t2\r\n]",
    ])
    func valid(_ text: String) {
        #expect(JSONCheck.problem(in: Array(text.utf8)) == nil)
    }

    @Test(arguments: [
        "", " ", "{", "}", "[1,]", "[1 2]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}", "{'a':1}", "tru", "nul", "01",
        "1.",
        ".5", "+1", "-", "1e", "0x10", "\"", "\"\\x\"", "\"\\u12\"", "\"\\ud800\"", "\"\\ud800\\u0041\"", "\"\\udc00\"",
        "\"\n\"", "{} {}", "{\"a\":1,\"a\":2}", "{\"a\":1,\"\\u0061\":2}", "[1]]", "// a", "NaN", "Infinity",
        "\u{FEFF}1",
    ])
    func invalid(_ text: String) {
        #expect(JSONCheck.problem(in: Array(text.utf8)) != nil)
    }

    @Test func depth() {
        let deep = String(repeating: "[", count: 15) + String(repeating: "]", count: 15)
        #expect(JSONCheck.problem(in: Array(deep.utf8)) == nil)
        #expect(JSONCheck.problem(in: Array("[[\(deep)]]".utf8))?.contains("deeper") == true)
    }

    @Test(arguments: [[UInt8]([0x22, 0xff, 0x22]), [0x22, 0xc0, 0xae, 0x22], [0x22, 0xed, 0xa0, 0x80, 0x22]])
    func notUTF8(_ bytes: [UInt8]) {
        #expect(JSONCheck.problem(in: bytes) == "the body is not UTF-8")
    }
}
