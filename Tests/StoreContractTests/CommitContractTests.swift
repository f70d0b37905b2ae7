import FleetModel
import FleetRegistry
import FleetRuntime
import Testing

@Suite(.timeLimit(.minutes(5)))
struct CommitContractTests {
    @Test(arguments: StoreKind.allCases)
    func `one transaction is one revision, and entries know theirs`(_ kind: StoreKind) async throws {
        try await StoreFixture.with(kind) { fixture async throws in
            let store = fixture.store
            #expect(try await store.change(put("a", "1"), put("b", "1")) == Revision(1))
            #expect(try await store.change(put("a", "2")) == Revision(2))
            #expect(try await store.change(put("a", "2"), delete("b")) == Revision(3), "the same value is a change too")
            #expect(try await store.change(put("b", "9")) == Revision(4))
            let entries = try await store.range(.prefix(""), limit: 0).entries
            #expect(entries.map(\.created) == [Revision(1), Revision(4)])
            #expect(entries.map(\.modified) == [Revision(3), Revision(4)])
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `a transaction that changes nothing has no revision of its own`(_ kind: StoreKind) async throws {
        try await StoreFixture.with(kind) { fixture async throws in
            let store = fixture.store
            #expect(await store.commit() == .committed(.zero))
            try await store.change(put("a", "1"))
            #expect(await store.commit(if: [.present(Key("a"))]) == .committed(Revision(1)))
            #expect(await store.commit(delete("b"), deleteAll("x/")) == .committed(Revision(1)))
            #expect(await store.commit(.delete(KeyRange(start: Key("b"), end: Key("a")))) == .committed(Revision(1)))
            #expect(try await store.newest() == Revision(1))
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `compares`(_ kind: StoreKind) async throws {
        try await StoreFixture.with(kind) { fixture async throws in
            let store = fixture.store
            try await store.change(put("old", "1"), put("gone", "1"), put("again", "1"))
            try await store.change(put("old", "2"), delete("gone"), delete("again"))
            try await store.change(put("again", "2"))
            let table: [(Compare, Bool)] = [
                (.absent(Key("never")), true), (.absent(Key("gone")), true), (.absent(Key("old")), false),
                (.present(Key("never")), false), (.present(Key("gone")), false), (.present(Key("old")), true),
                (.modified(Key("old"), at: Revision(2)), true), (.modified(Key("old"), at: Revision(1)), false),
                (.modified(Key("gone"), at: Revision(2)), false), (.modified(Key("never"), at: .zero), false),
                (.modified(Key("old"), at: Revision(3)), false),
                (.created(Key("old"), at: Revision(1)), true), (.created(Key("old"), at: Revision(2)), false),
                (.created(Key("again"), at: Revision(3)), true), (.created(Key("again"), at: Revision(1)), false),
                (.created(Key("gone"), at: Revision(1)), false), (.created(Key("never"), at: .zero), false),
            ]
            for (compare, holds) in table {
                let outcome = await store.commit(if: [compare])
                #expect(outcome == (holds ? .committed(Revision(3)) : .conflict), "\(compare)")
                let both = await store.commit(if: [.present(Key("old")), compare, .absent(Key("never"))])
                #expect(both == outcome, "\(compare)")
            }
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `a conflict changes nothing`(_ kind: StoreKind) async throws {
        try await StoreFixture.with(kind) { fixture async throws in
            let store = fixture.store
            try await store.change(put("a", "1"))
            let outcome = await store.commit(if: [.absent(Key("a"))], put("b", "1"), delete("a"))
            #expect(outcome == .conflict)
            #expect(try await store.list() == ["a=1"])
            #expect(try await store.newest() == Revision(1))
            #expect(try await store.changes() == ["1 a=1"])
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `a transaction is refused that no store would take`(_ kind: StoreKind) async throws {
        try await StoreFixture.with(kind) { fixture async throws in
            let store = fixture.store
            try await store.change(put("a", "1"))
            let refused: [[StoreOperation]] = [
                [put("a", "2"), put("a", "3")],
                [put("a", "2"), delete("a")],
                [delete("a"), put("a", "2")],
                [deleteAll("p/"), put("p/x", "")],
                [put("p/x", ""), put("b", ""), deleteAll("p/")],
                [deleteAll("p/"), delete("p/x")],
                [.delete(.prefix("")), put("zzz", "")],
                [.delete(KeyRange(start: Key("a"), end: Key("m"))), .delete(KeyRange(start: Key("l"), end: nil))],
                [put("", "1")],
                (0...Limits.operationsPerTransaction).map { put("k\($0)", "") },
            ]
            for operations in refused {
                let outcome = await store.commit(Transaction(operations: operations))
                #expect(outcome.refusal == .invalid, "\(operations.prefix(3))")
            }
            // Refused, whether or not its compares hold.
            let both = Transaction(compares: [.absent(Key("a"))], operations: [put("b", ""), put("b", "")])
            #expect(await store.commit(both).refusal == .invalid)
            let many = (0...Limits.operationsPerTransaction).map { Compare.absent(Key("none\($0)")) }
            #expect(await store.commit(if: many, put("b", "")).refusal == .invalid)
            #expect(try await store.list() == ["a=1"])
            let accepted: [[StoreOperation]] = [
                [put("a", "2"), put("b", "2"), delete("c")],
                [deleteAll("p/"), put("p", ""), put("p0", "")],
                [.delete(KeyRange(start: Key("a"), end: Key("b"))), put("b", "3")],
                [.delete(KeyRange(start: Key("z"), end: Key("a"))), put("m", "3")],
                (1...Limits.operationsPerTransaction).map { put("k\($0)", "") },
            ]
            for operations in accepted {
                let outcome = await store.commit(Transaction(operations: operations))
                #expect(outcome.error == nil && outcome != .conflict, "\(operations.prefix(3)): \(outcome)")
            }
            #expect(await store.commit(if: Array(many.dropLast()), put("last", "")).error == nil)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `a range is deleted key by key, in order`(_ kind: StoreKind) async throws {
        try await StoreFixture.with(kind) { fixture async throws in
            let store = fixture.store
            try await store.change(put("p/b", ""), put("p/a", ""), put("p", ""), put("p0", ""), put("q/a", ""))
            try await store.change(deleteAll("q/"), put("n", "1"), deleteAll("p/"))
            #expect(try await store.list() == ["n=1", "p=", "p0="])
            #expect(try await store.changes(from: Revision(2)) == ["2 -q/a", "2 n=1", "2 -p/a", "2 -p/b"])
            try await store.change(.delete(KeyRange(start: Key("p"), end: nil)))
            #expect(try await store.list() == ["n=1"])
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `concurrent increments are all counted`(_ kind: StoreKind) async throws {
        try await StoreFixture.with(kind) { fixture async throws in
            let store = fixture.store
            try await store.change(put("n", "0"))
            let revisions = try await withThrowingTaskGroup(of: [Revision].self) { group in
                for _ in 1...8 {
                    group.addTask {
                        var revisions: [Revision] = []
                        while revisions.count < 10 {
                            guard let entry = try await store.entry("n") else { return [] }
                            let next = String((Int(String(decoding: entry.value, as: UTF8.self)) ?? 0) + 1)
                            let compare = Compare.modified(Key("n"), at: entry.modified)
                            if case .committed(let revision) = await store.commit(if: [compare], put("n", next)) {
                                revisions.append(revision)
                            }
                        }
                        return revisions
                    }
                }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            #expect(try await store.list() == ["n=80"])
            #expect(revisions.sorted() == (2...81).map { Revision($0) })
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `what was committed is there after opening again`(_ kind: StoreKind) async throws {
        try await StoreFixture.with(kind) { fixture async throws in
            try await fixture.store.change(put("a", "1"), put("b", "1"))
            try await fixture.store.change(delete("a"))
            let again = try await fixture.reopen()
            #expect(try await again.store.list() == ["b=1"])
            #expect(try await again.store.newest() == Revision(2))
            #expect(try await again.store.changes() == ["1 a=1", "1 b=1", "2 -a"])
            #expect(try await again.store.change(put("c", "")) == Revision(4))
            await again.store.close()
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `a closed store refuses everything`(_ kind: StoreKind) async throws {
        try await StoreFixture.with(kind) { fixture async throws in
            let store = fixture.store
            await store.close()
            #expect(await store.commit(put("a", "1")).refusal == .closed)
            #expect(await errorCode { _ = try await store.list() } == .closed)
            #expect(await errorCode { _ = try await store.grantLease(fixture.life) } == .closed)
            #expect(await errorCode { try await store.compact(to: Revision(2)) } == .closed)
            #expect(await store.watchError(from: 0) == .closed)
        }
    }
}

extension CommitOutcome {
    var error: StoreError? {
        switch self {
        case .committed, .conflict: nil
        case .refused(let error), .unknown(let error): error
        }
    }
}
