import FleetAPI
import FleetModel
import Testing

@testable import fleetctl

@Suite struct TextTests {
    @Test(arguments: [
        (0, "now"), (1, "1s ago"), (59, "59s ago"), (65, "1min 5s ago"), (120, "2min ago"), (299, "4min 59s ago"),
        (301, "5min ago"), (3600, "1h ago"), (3661, "1h 1min ago"), (86_400, "1 day ago"), (90_000, "1 day 1h ago"),
        (172_800, "2 days ago"), (-30, "in 30s"), (-3600, "in 1h"),
    ])
    func age(_ seconds: Int, _ text: String) {
        #expect(Age.text(Fixture.ago(seconds), now: Fixture.now) == text)
    }

    @Test func times() {
        #expect(Zone.utc.full(Timestamp(milliseconds: 0)) == "Thu 1970-01-01 00:00:00 GMT")
        #expect(Zone.utc.short(Timestamp(milliseconds: -1)) == "Dec 31 23:59:59")
        // Whatever the zone is here, it is one that strftime(3) can name.
        #expect(Zone.local.full(Timestamp(milliseconds: 0)).contains("19"))
    }

    @Test(
        arguments: [
            ([["a\nb\n"]], ["a", "b"]),
            ([["a"], ["b\nc"], ["d\n"]], ["ab", "cd"]),
            ([["\n\na\n\n"]], ["a"]),
            ([["a\n"], ["rest"]], ["a", "rest"]),
            ([[]], []),
        ] as [([[String]], [String])]
    )
    func lines(_ chunks: [[String]], _ expected: [String]) {
        var splitter = LineSplitter()
        var lines = chunks.flatMap { splitter.append($0.joined().utf8) }
        if let last = splitter.finish() { lines.append(last) }
        #expect(lines.map { String(decoding: $0, as: UTF8.self) } == expected)
    }

    @Test func linesCutAnywhere() {
        let text = Array("one\ntwo ä\nthree\n".utf8)
        for cut in text.indices {
            var splitter = LineSplitter()
            let lines = splitter.append(text[..<cut]) + splitter.append(text[cut...])
            #expect(lines.map { String(decoding: $0, as: UTF8.self) } == ["one", "two ä", "three"])
            #expect(splitter.finish() == nil)
        }
    }

    @Test(arguments: [
        ("web.service", "/fleet/v2/units/web.service"),
        ("web@1.service", "/fleet/v2/units/web@1.service"),
        ("dev-a\\x2db.mount", "/fleet/v2/units/dev-a%5Cx2db.mount"),
        ("a b/ä", "/fleet/v2/units/a%20b%2F%C3%A4"),
    ])
    func path(_ name: String, _ path: String) {
        #expect(RequestPath("units", name).text == path)
    }

    @Test func journalModes() throws {
        let line = JournalLine(
            at: Timestamp(milliseconds: 1_795_258_623_120),
            hostname: "web1",
            identifier: "web",
            pid: 12,
            priority: 6,
            message: "one\ttwo\nthree\u{1B}"
        )
        let start = "Nov 21 10:57:03 web1 web[12]: "
        let indent = String(repeating: " ", count: start.count)
        #expect(try JournalMode.short.text(line, zone: .utc) == "\(start)one\ttwo\n\(indent)three?\n")
        #expect(try JournalMode.cat.text(line, zone: .utc) == "one\ttwo\nthree?\n")
        #expect(
            try JournalMode.json.text(line, zone: .utc) == """
                {"at":"2026-11-21T10:57:03.120Z","hostname":"web1","identifier":"web",\
                "message":"one\\ttwo\\nthree\\u001b","pid":12,"priority":6}

                """
        )
        var kernel = line
        kernel.pid = 0
        kernel.message = "x"
        #expect(try JournalMode.short.text(kernel, zone: .utc) == "Nov 21 10:57:03 web1 web: x\n")
    }
}
