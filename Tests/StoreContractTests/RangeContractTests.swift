import FleetModel
import FleetRegistry
import FleetRuntime
import Testing

@Suite(.timeLimit(.minutes(5)))
struct RangeContractTests {
    @Test(arguments: StoreKind.allCases)
    func `a new store is empty at revision 0`(_ kind: StoreKind) async throws {
        try await StoreFixture.with(kind) { fixture async throws in
            #expect(try await fixture.store.range(.prefix(""), limit: 0) == RangeAnswer(entries: [], revision: .zero))
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `entries come in the order of their bytes`(_ kind: StoreKind) async throws {
        try await StoreFixture.with(kind) { fixture async throws in
            let keys = ["a", "a\0", "a\0b", "a-", "a/", "a/b", "aa", "b", "B", "é", "z", "日", "🛠"]
            for key in keys.reversed() { try await fixture.store.change(put(key, key)) }
            let found = try await fixture.store.range(.prefix(""), limit: 0).entries.map(\.key)
            #expect(found == keys.map(Key.init).sorted())
            #expect(found.first == Key("B"))
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `a range is half open`(_ kind: StoreKind) async throws {
        try await StoreFixture.with(kind) { fixture async throws in
            try await fixture.store.change(put("a", "1"), put("b", "2"), put("b/x", "3"), put("c", "4"))
            let table: [(KeyRange, [String])] = [
                (KeyRange(start: Key("a"), end: Key("b")), ["a"]),
                (KeyRange(start: Key("b"), end: Key("c")), ["b", "b/x"]),
                (KeyRange(start: Key("b/"), end: nil), ["b/x", "c"]),
                (KeyRange(start: Key("c"), end: Key("a")), []),
                (KeyRange(start: Key("b"), end: Key("b")), []),
                (.key(Key("b")), ["b"]),
                (.prefix("b/"), ["b/x"]),
                (.prefix(""), ["a", "b", "b/x", "c"]),
            ]
            for (range, keys) in table {
                #expect(
                    try await fixture.store.range(range, limit: 0).entries.map(\.key.description) == keys,
                    "\(range)"
                )
            }
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `a limit cuts, and says so`(_ kind: StoreKind) async throws {
        try await StoreFixture.with(kind) { fixture async throws in
            try await fixture.store.change(put("a", "1"), put("b", "2"), put("c", "3"))
            for (limit, count, isCut) in [(0, 3, false), (1, 1, true), (2, 2, true), (3, 3, false), (4, 3, false)] {
                let answer = try await fixture.store.range(.prefix(""), limit: limit)
                #expect(answer.entries.count == count, "limit \(limit)")
                #expect(answer.isCut == isCut, "limit \(limit)")
            }
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `values are any bytes, none and a mebibyte too`(_ kind: StoreKind) async throws {
        try await StoreFixture.with(kind) { fixture async throws in
            let values: [[UInt8]] = [[], [0], [0, 255, 0], Array(0...255), Array(repeating: 0xfe, count: 1 << 20)]
            for (index, value) in values.enumerated() {
                let operation = StoreOperation.put(Key("v\(index)"), value, lease: nil)
                #expect(await fixture.store.commit(operation) == .committed(Revision(Int64(index + 1))))
            }
            let reopened = try await fixture.reopen()
            #expect(try await reopened.store.range(.prefix("v"), limit: 0).entries.map(\.value) == values)
            await reopened.store.close()
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `a read sees what was reported committed, at a revision that fits`(_ kind: StoreKind) async throws {
        try await StoreFixture.with(kind) { fixture async throws in
            for number in 1...100 {
                let revision = try await fixture.store.change(put("n", "\(number)"))
                let answer = try await fixture.store.range(.key(Key("n")), limit: 0)
                #expect(answer.revision >= revision)
                #expect(answer.entries.first?.modified == revision)
            }
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `an answer is of one revision while others write`(_ kind: StoreKind) async throws {
        try await StoreFixture.with(kind) { fixture async throws in
            let store = fixture.store
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    for number in 1...100 { try await store.change(put("a", "\(number)"), put("b", "\(number)")) }
                }
                for _ in 1...50 {
                    let entries = try await store.range(.prefix(""), limit: 0)
                    #expect(Set(entries.entries.map(\.value)).count <= 1)
                    #expect(entries.entries.allSatisfy { $0.modified <= entries.revision })
                }
                try await group.waitForAll()
            }
        }
    }
}
