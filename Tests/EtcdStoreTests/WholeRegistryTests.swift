import EtcdLab
import FleetModel
import FleetRegistry
import FleetRuntime
import Testing

@testable import EtcdStore

/// What the contract suite cannot show, because its cases share a cluster: all keys, large lists, limits, a full
/// database, what members know.
@Suite(.timeLimit(.minutes(4)))
struct WholeRegistryTests {
    @Test(arguments: EtcdProgram.allCases)
    func `every key, and none`(_ program: EtcdProgram) async throws {
        try await EtcdCluster.with(program, size: 1) { cluster in
            let store = try cluster.store()
            #expect(try await store.range(.prefix(""), limit: 0) == RangeAnswer(entries: [], revision: Revision(1)))
            let first = try await store.change(put("\0", "first"), put("a", "1"), put("\u{10ffff}", "last"))
            #expect(try await store.list() == ["\0=first", "a=1", "\u{10ffff}=last"])
            #expect(await store.commit(.delete(.key(Key("")))) == .committed(first), "there is no empty key")
            #expect(await store.commit(.delete(KeyRange(start: Key(""), end: Key("\0")))) == .committed(first))
            #expect(try await store.range(.key(Key("")), limit: 0) == RangeAnswer(entries: [], revision: first))
            #expect(try await store.list().count == 3)
            try await store.change(.delete(KeyRange(start: Key(""), end: Key("b"))))
            #expect(try await store.list() == ["\u{10ffff}=last"])
            try await store.change(.delete(.prefix("")))
            #expect(try await store.list() == [])
            var changes: [String] = []
            for try await batch in store.watch(.prefix(""), from: .zero) {
                changes += batch.events.map { "\($0.revision)" }
                if batch.revision >= Revision(4) { break }
            }
            #expect(changes == ["2", "2", "2", "3", "3", "4"])
            await store.close()
        }
    }

    @Test(arguments: EtcdProgram.allCases)
    func `a large list is of one revision`(_ program: EtcdProgram) async throws {
        try await EtcdCluster.with(program, size: 1) { cluster in
            let store = try cluster.store(timeout: .seconds(5))
            let value = String(repeating: "v", count: 2_000)
            for batch in 0..<40 {
                let operations = (0..<100).map { put("k/\(10_000 + batch * 100 + $0)", value) }
                let outcome = await store.commit(Transaction(operations: operations))
                #expect(outcome.error == nil)
            }
            let writer = Task {
                var count = 0
                while !Task.isCancelled {
                    count += 1
                    // Takes a key from the end of the list and puts one before its beginning.
                    _ = await store.commit(.delete(.key(Key("k/\(13_999 - count)"))), put("k/0\(count)", ""))
                }
            }
            for _ in 1...10 {
                let answer = try await store.range(.prefix("k/"), limit: 0)
                #expect(answer.entries.count == 4_000 && !answer.isCut)
                #expect(answer.entries.allSatisfy { $0.modified <= answer.revision })
                #expect(answer.entries.map(\.key) == answer.entries.map(\.key).sorted())
            }
            writer.cancel()
            await writer.value
            for (limit, isCut) in [(3_999, true), (4_000, false), (501, true)] {
                let answer = try await store.range(.prefix("k/"), limit: limit)
                #expect(answer.entries.count == limit && answer.isCut == isCut)
            }
            await store.close()
        }
    }

    /// Both go over one connection; see `Connection`.
    @Test(arguments: EtcdProgram.allCases)
    func `large lists do not delay the renewals of a lease`(_ program: EtcdProgram) async throws {
        try await EtcdCluster.with(program, size: 1) { cluster in
            let store = try cluster.store(timeout: .seconds(20))
            let value = String(repeating: "v", count: 10_000)
            for batch in 0..<40 {
                let operations = (0..<100).map { put("k/\(10_000 + batch * 100 + $0)", value) }
                #expect(await store.commit(Transaction(operations: operations)).error == nil)
            }
            let lease = try await store.grantLease(.ttl(.seconds(3)))
            let readers = (1...3).map { _ in
                Task {
                    var lists = 0
                    while !Task.isCancelled { lists += try await store.range(.prefix("k/"), limit: 0).entries.count }
                    return lists
                }
            }
            for _ in 1...8 {
                // Not a wait: the pace of renewals.
                try await Task.sleep(for: .seconds(1))
                let begin = ContinuousClock.now
                try await store.keepAlive(lease)
                #expect(ContinuousClock.now - begin < .seconds(1))
            }
            for reader in readers { reader.cancel() }
            for reader in readers { #expect(try await reader.value > 4_000) }
            await store.close()
        }
    }

    @Test(arguments: EtcdProgram.allCases)
    func `what etcd would refuse is refused in time`(_ program: EtcdProgram) async throws {
        try await EtcdCluster.with(program, size: 1) { cluster in
            let store = try cluster.store()
            for size in [(3 << 19) - 200, 3 << 19, 64 << 20] {
                let outcome = await store.commit(.put(Key("large"), [UInt8](repeating: 1, count: size), lease: nil))
                switch size {
                case ..<(3 << 19): #expect(outcome.error == nil, "\(outcome)")
                default: #expect(outcome.error?.code == .invalid, "\(outcome)")
                }
            }
            let compares = (0...Limits.operationsPerTransaction).map { Compare.absent(Key("none\($0)")) }
            #expect(await store.commit(if: compares, put("a", "1")).error?.code == .invalid)
            #expect(await store.commit(if: compares.dropLast(), put("a", "1")).error == nil)
            #expect(try await store.list("a") == ["a=1"])
            await store.close()
        }
    }

    @Test(arguments: EtcdProgram.allCases)
    func `a full database is full, and says what to do`(_ program: EtcdProgram) async throws {
        try await EtcdCluster.with(program, size: 1, arguments: ["--quota-backend-bytes", "4000000"]) { cluster in
            let store = try cluster.store()
            try await store.change(put("old", "1"))
            var (stored, unknown, refused) = (0, 0, 0)
            for number in 0..<200 where refused < 5 {
                switch await store.commit(put("k\(number)", String(repeating: "x", count: 100_000))) {
                case .committed: stored += 1
                case .unknown(let error):
                    #expect(error.code == .full)
                    unknown += 1
                case .refused(let error):
                    #expect(error.code == .full && error.message.contains("etcdctl defrag"), "\(error)")
                    refused += 1
                case .conflict: Issue.record("a conflict")
                }
            }
            #expect(refused == 5 && stored > 5 && unknown <= 2, "\(stored) \(unknown) \(refused)")
            let found = try await store.list("k").count
            #expect((stored...(stored + unknown)).contains(found), "none of those that were refused")
            #expect(await store.commit(put("old", "2")).error?.code == .full)
            #expect(try await store.list("old") == ["old=1"])
            let newest = try await store.change(.delete(.prefix("k")))
            // Returns when the space is free, unlike the store's, which nobody who is full should have to wait for.
            try await cluster.control("compaction", "--physical=true", "\(newest)")
            try await cluster.control("defrag")
            try await cluster.control("alarm", "disarm")
            try await store.change(put("k", "1"))
            await store.close()
        }
    }

    @Test(arguments: EtcdProgram.allCases)
    func `every member answers with what was committed before`(_ program: EtcdProgram) async throws {
        try await EtcdCluster.with(program, size: 3) { cluster in
            let stores = try [[0, 1, 2], [1, 2, 0], [2, 0, 1]].map { try cluster.store(order: $0) }
            for number in 1...100 {
                let writer = stores[number % 3]
                let revision = try await writer.change(put("k", "\(number)"))
                for store in stores {
                    #expect(try await store.list("k") == ["k=\(number)"])
                    let outcome = await store.commit(if: [.modified(Key("k"), at: revision)])
                    #expect(outcome == .committed(revision), "a compare reads, too")
                }
            }
            for store in stores { await store.close() }
        }
    }
}
