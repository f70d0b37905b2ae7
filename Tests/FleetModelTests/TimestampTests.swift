import FleetModel
import Testing

@Suite struct TimestampTests {
    @Test(
        arguments: [
            (0, "1970-01-01T00:00:00.000Z"), (1_795_258_623_120, "2026-11-21T10:57:03.120Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"), (-1, "1969-12-31T23:59:59.999Z"),
            (4_107_542_399_999, "2100-02-28T23:59:59.999Z"),
        ] as [(Int64, String)]
    )
    func writesAndReadsRFC3339(milliseconds: Int64, text: String) {
        #expect(Timestamp(milliseconds: milliseconds).description == text)
        #expect(Timestamp(text)?.milliseconds == milliseconds)
    }

    @Test(arguments: [
        "", "2026-11-21", "2026-13-21T10:57:03.120Z", "2026-11-21T24:57:03.120Z", "2026-11-21T10:57:03.1Z",
    ])
    func refusesOtherTexts(text: String) {
        #expect(Timestamp(text) == nil)
    }

    @Test func eventIDsSortAsTheirTextsDo() throws {
        let writer = try #require(MachineID("0123456789abcdef0123456789abcdef"))
        let ids = [(5, 1), (5, 2), (6, 0), (1_795_258_623_120, 300)].map {
            EventID.make(at: Timestamp(milliseconds: $0.0), writer: writer, counter: $0.1)
        }
        #expect(ids == ids.sorted())
        #expect(ids.map(\.description) == ids.map(\.description).sorted())
        for id in ids { #expect(EventID(id.description) == id) }
        #expect(EventID("2026-11-21T10:57:03.120Z-01234567") == nil)
    }
}
