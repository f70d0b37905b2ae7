import FleetModel
import FleetRegistry
import FleetRuntime
import Testing

@Suite(.timeLimit(.minutes(5)))
struct WatchContractTests {
    @Test(arguments: StoreKind.allCases)
    func `a watch starts at its revision, inclusive`(_ kind: StoreKind) async throws {
        try await StoreFixture.with(kind) { fixture async throws in
            for number in 1...5 { try await fixture.store.change(put("k", "\(number)")) }
            for start in 0...5 {
                let lines = try await fixture.store.changes(from: Revision(Int64(start)))
                #expect(lines == (max(start, 1)...5).map { "\($0) k=\($0)" }, "from \(start)")
            }
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `a watch sees what comes after it began`(_ kind: StoreKind) async throws {
        try await StoreFixture.with(kind) { fixture async throws in
            let store = fixture.store
            var next = WatchReader(store.watch(.prefix("k"), from: Revision(1)))
            var later = WatchReader(store.watch(.prefix("k"), from: Revision(3)))
            try await store.change(put("k", "1"))
            #expect(try await next.lines(1) == ["1 k=1"])
            try await store.change(put("k", "2"))
            try await store.change(put("k", "3"))
            #expect(try await next.lines(2) == ["2 k=2", "3 k=3"])
            #expect(try await later.lines(1) == ["3 k=3"], "revisions before its start are not for it")
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `an event carries the entry as it was`(_ kind: StoreKind) async throws {
        try await StoreFixture.with(kind) { fixture async throws in
            let store = fixture.store
            let lease = try await store.grantLease(fixture.life)
            try await store.change(put("k", "1"))
            try await store.change(put("k", "2", lease: lease))
            var reader = WatchReader(store.watch(.prefix("k"), from: Revision(2)))
            let expected = StoredEntry(
                key: Key("k"),
                value: Array("2".utf8),
                created: Revision(1),
                modified: Revision(2),
                lease: lease
            )
            #expect(try await reader.batch() == WatchBatch(events: [.put(expected)], revision: Revision(2)))
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `a watch sees its range only`(_ kind: StoreKind) async throws {
        try await StoreFixture.with(kind) { fixture async throws in
            let store = fixture.store
            for isLive in [false, true] {
                let start = try await store.newest().next
                var reader = WatchReader(store.watch(.prefix("m/"), from: start))
                if isLive {
                    try await store.change(put("m/warm", ""))
                    _ = try await reader.lines(1)
                }
                try await store.change(put("l", ""), put("m", ""), put("m/a", "1"), put("m0", ""))
                let second = try await store.change(deleteAll("m"), deleteAll("l"))
                let third = try await store.change(put("other", ""))
                let last = try await store.change(put("m/z", ""))
                let lines = try await reader.lines(isLive ? 4 : 3)
                let deleted = isLive ? ["\(second) -m/a", "\(second) -m/warm"] : ["\(second) -m/a"]
                #expect(lines == ["\(second.number - 1) m/a=1"] + deleted + ["\(last) m/z="])
                #expect(third < last)
                try await store.change(deleteAll("m"))
            }
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `a revision comes whole`(_ kind: StoreKind) async throws {
        try await StoreFixture.with(kind) { fixture async throws in
            let store = fixture.store
            for _ in 1...10 {
                let operations = (1...Limits.operationsPerTransaction).map { put("k\($0)", "") }
                _ = await store.commit(Transaction(operations: operations))
            }
            var seen = Revision.zero
            for try await batch in store.watch(.prefix("k"), from: Revision(1)) {
                let counts = Dictionary(grouping: batch.events, by: \.at).mapValues(\.count)
                #expect(counts.values.allSatisfy { $0 == Limits.operationsPerTransaction })
                #expect(batch.events.map(\.at) == batch.events.map(\.at).sorted())
                #expect(batch.events.allSatisfy { $0.at > seen && $0.at <= batch.revision })
                seen = batch.revision
                if seen == Revision(10) { break }
            }
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `no gaps and no duplicates while others write, from any start`(_ kind: StoreKind) async throws {
        try await StoreFixture.with(kind) { fixture async throws in
            let store = fixture.store
            let total: Int64 = 400
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 1...4 {
                    group.addTask { for _ in 1...(total / 4) { try await store.change(put("k", "v")) } }
                }
                for _ in 1...8 {
                    group.addTask {
                        let start = try await store.newest().next
                        var expected = start.number
                        if start.number > total { return }
                        for try await batch in store.watch(.prefix("k"), from: start) {
                            for event in batch.events {
                                #expect(event.at.number == expected)
                                expected += 1
                            }
                            if batch.revision.number >= total { break }
                        }
                        #expect(expected == total + 1)
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `a compacted start is an error`(_ kind: StoreKind) async throws {
        try await StoreFixture.with(kind) { fixture async throws in
            let store = fixture.store
            for number in 1...5 { try await store.change(put("k\(number)", "")) }
            try await store.compact(to: Revision(3))
            for start in [0, 1, 2] as [Int64] {
                #expect(await store.watchError(from: start) == .compacted, "from \(start)")
            }
            #expect(try await store.changes("k", from: Revision(3)) == ["3 k3=", "4 k4=", "5 k5="])
            #expect(try await store.list("k").count == 5, "entries stay")
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `deletions of the revision that was compacted to are still told`(_ kind: StoreKind) async throws {
        try await StoreFixture.with(kind) { fixture async throws in
            let store = fixture.store
            try await store.change(put("k1", ""), put("k2", ""))
            try await store.change(delete("k1"))
            try await store.compact(to: Revision(2))
            #expect(try await store.changes("k", from: Revision(2)) == ["2 -k1"])
            try await store.change(delete("k2"))
            try await store.compact(to: Revision(4))
            #expect(try await store.changes("k", from: Revision(4)) == ["4 -k2"])
            #expect(await store.watchError(from: 3) == .compacted)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `compacting twice, and to what is yet to come`(_ kind: StoreKind) async throws {
        try await StoreFixture.with(kind) { fixture async throws in
            let store = fixture.store
            for number in 1...3 { try await store.change(put("k", "\(number)")) }
            #expect(await errorCode { try await store.compact(to: Revision(4)) } == .invalid)
            try await store.compact(to: Revision(3))
            try await store.compact(to: Revision(2))
            try await store.compact(to: Revision(3))
            #expect(try await store.changes("k", from: Revision(3)) == ["3 k=3"])
            let again = try await fixture.reopen()
            #expect(try await again.store.newest() == Revision(4), "compaction is no change")
            #expect(await again.store.watchError(from: 2) == .compacted)
            await again.store.close()
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `a watch that is up to date outlives a compaction`(_ kind: StoreKind) async throws {
        try await StoreFixture.with(kind) { fixture async throws in
            let store = fixture.store
            try await store.change(put("k", "1"))
            var reader = WatchReader(store.watch(.prefix("k"), from: Revision(1)))
            #expect(try await reader.lines(1) == ["1 k=1"])
            try await store.change(put("other", ""))
            try await store.compact(to: Revision(2))
            try await store.change(put("k", "3"))
            #expect(try await reader.lines(1) == ["3 k=3"])
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `closing ends a waiting watch`(_ kind: StoreKind) async throws {
        try await StoreFixture.with(kind) { fixture async throws in
            let store = fixture.store
            let waiting = Task { await store.watchError(from: 1) }
            await store.close()
            #expect(await waiting.value == .closed)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `a cancelled consumer ends, and the others go on`(_ kind: StoreKind) async throws {
        try await StoreFixture.with(kind) { fixture async throws in
            let store = fixture.store
            var other = WatchReader(store.watch(.prefix("k"), from: Revision(1)))
            let consumer = Task {
                var count = 0
                for try await _ in store.watch(.prefix("k"), from: Revision(1)) { count += 1 }
                return count
            }
            try await store.change(put("k", "1"))
            #expect(try await other.lines(1) == ["1 k=1"])
            consumer.cancel()
            #expect(try await consumer.value <= 1)
            try await store.change(put("k", "2"))
            #expect(try await other.lines(1) == ["2 k=2"])
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `a hundred watches see the same`(_ kind: StoreKind) async throws {
        try await StoreFixture.with(kind) { fixture async throws in
            let store = fixture.store
            try await withThrowingTaskGroup(of: [String].self) { group in
                for _ in 1...100 {
                    let watch = store.watch(.prefix("k"), from: Revision(1))
                    group.addTask {
                        var reader = WatchReader(watch)
                        return try await reader.lines(20)
                    }
                }
                for number in 1...20 { try await store.change(put("k", "\(number)")) }
                for try await lines in group { #expect(lines == (1...20).map { "\($0) k=\($0)" }) }
            }
        }
    }
}
