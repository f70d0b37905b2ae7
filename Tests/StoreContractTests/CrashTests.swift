import FleetModel
import FleetRegistry
import FleetRuntime
import Foundation
import SQLiteStore
import Testing

/// P4: a crash at any point leaves old or new, never half, and nothing that was acknowledged is lost.
@Suite(.timeLimit(.minutes(5)))
struct CrashTests {
    static let rounds = 200

    @Test(arguments: [1, 4])
    func `killed in the middle of commits`(writers: Int) async throws {
        var random = SeededGenerator(seed: UInt64(writers))
        try await withDirectory { directory in
            let path = directory + "/registry.db"
            var known = Array(repeating: 0, count: writers)
            var revision = Revision.zero
            var inFlight = 0
            for round in 1...(Self.rounds / 2) {
                let acknowledged = try killed(path, writers, round, &random)
                let store = try await SQLiteStore.open(path: path, logger: quiet)
                for writer in 0..<writers {
                    let least = max(known[writer], acknowledged[writer] ?? 0)
                    let number = try await number(writer, in: store)
                    #expect(number >= least, "round \(round): acknowledged \(least), found \(number)")
                    #expect(number <= least + 1, "round \(round): acknowledged \(least), found \(number)")
                    if number > least { inFlight += 1 }
                    known[writer] = number
                }
                let newest = try await store.newest()
                #expect(newest >= revision)
                revision = newest
                try await checkHistory(store, newest)
                await store.close()
            }
            #expect(known.allSatisfy { $0 > Self.rounds }, "the rounds did too little: \(known)")
            print("killed \(Self.rounds / 2) times with \(writers) writers: \(known), \(inFlight) in flight survived")
        }
    }

    /// Starts the program, kills it after a while and returns the largest acknowledged number of each writer.
    private func killed(
        _ path: String,
        _ writers: Int,
        _ round: Int,
        _ random: inout SeededGenerator
    ) throws -> [Int: Int] {
        let child = try Child(Child.crasher, "commit", path, "\(writers)")
        // Every fourth is killed while it opens the registry, perhaps; the others once they commit.
        if round % 4 != 0 { child.waitForOutput() }
        // Not a wait: the kill has to come at a moment nobody chose.
        usleep(UInt32.random(in: 0...40_000, using: &random))
        child.kill()
        var last: [Int: Int] = [:]
        for line in child.finish().text.split(separator: "\n") {
            let words = line.split(separator: " ").compactMap { Int($0) }
            guard words.count == 2 else { continue }
            last[words[0]] = words[1]
        }
        return last
    }

    /// The last transaction of a writer, which must be there wholly.
    private func number(_ writer: Int, in store: SQLiteStore) async throws -> Int {
        let entries = try await store.range(.prefix("\(writer)/"), limit: 0).entries
        guard let first = entries.first, let number = Int(String(decoding: first.value, as: UTF8.self)) else {
            return 0
        }
        let logs = (max(1, number - 2)...number)
        let expected = (["a", "b"] + logs.map { "log/\($0)" }).map { Key("\(writer)/\($0)") }.sorted()
        #expect(entries.map(\.key) == expected, "the leased key is gone, the rest is whole")
        #expect(entries.first { $0.key == Key("\(writer)/b") }?.value == first.value)
        for log in logs {
            let value = entries.first { $0.key == Key("\(writer)/log/\(log)") }?.value
            #expect(value == [UInt8](repeating: UInt8(log % 251), count: log * 7919 % 9001))
        }
        return number
    }

    /// The newest revisions of the history are whole transactions, too.
    private func checkHistory(_ store: SQLiteStore, _ newest: Revision) async throws {
        let start = Revision(max(1, newest.number - 30))
        guard newest > start else { return }
        for try await batch in store.watch(.prefix(""), from: start) {
            for (revision, events) in Dictionary(grouping: batch.events, by: \.at) {
                let names = Set(events.map { $0.key.description.drop { $0 != "/" }.description })
                let isWhole = names.isSuperset(of: ["/a", "/b", "/live"]) && events.count >= 4
                let isEndOfLeases = events.allSatisfy { $0.text.hasSuffix("/live") && $0.text.contains(" -") }
                #expect(isWhole || isEndOfLeases, "revision \(revision): \(names)")
            }
            if batch.revision >= newest { break }
        }
    }
}
