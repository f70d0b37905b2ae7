import FleetModel
import FleetRegistry
import FleetRuntime
import Foundation
import Testing

@testable import SQLiteStore

/// What the embedded store does so that neither its file nor its memory grows with time.
@Suite(.timeLimit(.minutes(5)))
struct HistoryTests {
    private func with(_ tuning: StoreTuning, _ body: (SQLiteStore, String) async throws -> Void) async throws {
        try await withDirectory { directory in
            let path = directory + "/registry.db"
            let store = try await SQLiteStore.open(path: path, logger: quiet, tuning: tuning)
            try await body(store, path)
            await store.close()
        }
    }

    @Test
    func `the history is trimmed, and never splits a revision`() async throws {
        var tuning = StoreTuning()
        tuning.historyChanges = 20
        tuning.historySlack = 10
        try await with(tuning) { store, path in
            for number in 1...80 {
                try await store.change(put("a", "\(number)"), put("b", "\(number)"), put("c", "\(number)"))
                let kept = try Connection(path: path, mode: .readOnly).number("SELECT count(*) FROM history") ?? 0
                #expect(kept <= 30 && kept % 3 == 0, "\(kept) after \(number)")
                #expect(kept >= min(18, number * 3), "\(kept) after \(number)")
            }
            #expect(await store.watchError(from: 1) == .compacted)
            #expect(try await store.changes("a", from: Revision(78)).count == 3)
        }
    }

    @Test
    func `large values are trimmed by their bytes`() async throws {
        var tuning = StoreTuning()
        tuning.historyBytes = 100_000
        try await with(tuning) { store, path in
            for number in 1...60 {
                try await store.change(put("a", String(repeating: "x", count: 9_000)))
                let kept = try Connection(path: path, mode: .readOnly).number(Schema.historySize) ?? 0
                #expect(kept <= 14 && kept >= min(10, number), "\(kept) after \(number)")
            }
            try await store.change(put("a", String(repeating: "x", count: 500_000)))
            let kept = try Connection(path: path, mode: .readOnly).number(Schema.historySize)
            #expect(kept == 1, "the newest revision stays, however large")
            #expect(try await store.newest() == Revision(61))
        }
    }

    @Test
    func `the file stops growing`() async throws {
        var tuning = StoreTuning()
        tuning.historyChanges = 200
        tuning.historySlack = 50
        try await with(tuning) { store, path in
            var sizes: [Int] = []
            for round in 1...4 {
                await withTaskGroup { group in
                    for task in 1...8 {
                        group.addTask {
                            for number in 1...50 {
                                _ = await store.commit(put("k\(task)", String(repeating: "x", count: number * 10)))
                            }
                        }
                    }
                }
                let attributes = try FileManager.default.attributesOfItem(atPath: path)
                sizes.append((attributes[.size] as? Int) ?? 0)
                #expect(try await store.newest().number == Int64(round * 400))
            }
            #expect(sizes.allSatisfy { $0 < 1_000_000 }, "\(sizes)")
        }
    }

    @Test
    func `a slow consumer reads the history, without gaps`() async throws {
        var tuning = StoreTuning()
        tuning.backlogEvents = 4
        tuning.catchUpEvents = 3
        try await with(tuning) { store, _ in
            var reader = WatchReader(store.watch(.prefix("k"), from: Revision(1)))
            var expected: [String] = []
            var read: [String] = []
            for (round, burst) in [1, 3, 4, 5, 6, 50, 2, 1].enumerated() {
                for number in 1...burst {
                    let revision = try await store.change(put("k", "\(round)/\(number)"), put("other", ""))
                    expected.append("\(revision) k=\(round)/\(number)")
                }
                read += try await reader.lines(burst)
                #expect(read == expected)
            }
        }
    }

    @Test
    func `a consumer that is slower than the history lists again`() async throws {
        var tuning = StoreTuning()
        tuning.backlogEvents = 4
        tuning.historyChanges = 20
        tuning.historySlack = 5
        try await with(tuning) { store, _ in
            var reader = WatchReader(store.watch(.prefix("k"), from: Revision(1)))
            try await store.change(put("k", "1"))
            #expect(try await reader.lines(1) == ["1 k=1"])
            for number in 2...100 { try await store.change(put("k", "\(number)")) }
            let error = await #expect(throws: StoreError.self) { try await reader.lines(99) }
            #expect(error?.code == .compacted)
        }
    }

    @Test
    func `a commit of unknown outcome is looked for in the history`() async throws {
        let hub = WatchHub(tuning: StoreTuning())
        let id = hub.add(.prefix("k"), from: Revision(1))
        let future = hub.add(.prefix("k"), from: Revision(9))
        func step(_ id: WatchHub.ID) async throws -> String { "\(try await hub.step(id))" }
        let entry = { StoreEvent.put(StoredEntry(key: Key("k"), value: [], created: $0, modified: $0, lease: nil)) }
        async let waiting = step(id)
        async let waitingForLater = step(future)
        try await eventually { hub.waiters == 2 }
        hub.publish([[entry(Revision(1))]], last: Revision(1), oldest: .zero)
        #expect(try await waiting.hasPrefix("deliver"))
        async let next = step(id)
        try await eventually { hub.waiters == 2 }
        hub.advance(to: Revision(3), oldest: .zero)
        #expect(try await next == "\(WatchHub.Step.read(from: Revision(2)))")
        hub.advance(id, past: Revision(3))
        hub.publish([[entry(Revision(4))], [entry(Revision(9))]], last: Revision(9), oldest: .zero)
        #expect(try await step(id) == "\(WatchHub.Step.read(from: Revision(4)))", "it was not live yet")
        #expect(try await waitingForLater.contains("9"))
    }

    @Test
    func `what SQLite reports, in the port's words`() {
        let failure = StoreFailure(path: "/r")
        let table: [(code: Int32, expected: StoreError.Code, isUnknown: Bool)] = [
            (13, .full, false), (10 | 19 << 8, .full, false), (10 | 3 << 8, .unavailable, false),
            (10 | 4 << 8, .unavailable, true), (10 | 5 << 8, .unavailable, true), (11, .corrupt, false),
            (26, .corrupt, false), (5, .unavailable, false), (8, .unavailable, false), (10 | 2 << 8, .corrupt, true),
        ]
        for (code, expected, isUnknown) in table {
            let error = SQLiteFailure(code: code, message: "m")
            #expect(failure.error(error).code == expected, "\(code)")
            let outcome = failure.outcome(ofFailedCommit: error)
            #expect(outcome == (isUnknown ? .unknown(failure.error(error)) : .refused(failure.error(error))), "\(code)")
        }
    }
}
