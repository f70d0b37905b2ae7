import FleetModel
import FleetRegistry
import FleetRuntime
import MemoryStore
import SQLiteStore
import Testing

/// Random histories: what the store in memory does, the one on disk does too.
@Suite(.timeLimit(.minutes(2)))
struct StoresAgreeTests {
    @Test(arguments: 1...25 as ClosedRange<UInt64>)
    func `both stores give the same outcomes, entries and changes`(seed: UInt64) async throws {
        try await withDirectory { directory in
            var pair = try await StorePair(path: directory + "/registry.db", seed: seed)
            for step in 1...120 {
                try await pair.step()
                try await pair.compare("seed \(seed), step \(step)")
            }
            await pair.close()
        }
    }

    @Test(arguments: StoreKind.etcd, 1...3 as ClosedRange<UInt64>)
    func `etcd gives the same outcomes, entries and changes`(kind: StoreKind, seed: UInt64) async throws {
        try await StoreFixture.with(kind) { fixture async throws in
            var pair = StorePair(etcd: fixture, seed: seed)
            for step in 1...120 {
                try await pair.step()
                try await pair.compare("\(kind), seed \(seed), step \(step)")
            }
            await pair.close()
        }
    }
}

/// Two stores and what is done to both.
private struct StorePair {
    private var memory = MemoryStore()
    private var disk: any KeyValueStore
    private var clock = ManualClock()
    /// Of the store on disk; nil for etcd, whose time nobody moves, and which is not opened again here.
    private let path: String?
    private let lives: [LeaseLife]
    private var random: SeededGenerator
    /// The same lease in both stores.
    private var leases: [(memory: LeaseID, disk: LeaseID)] = []
    private var oldest: Int64 = 1

    init(path: String, seed: UInt64) async throws {
        self.path = path
        lives = [.whileOpen] + (1...5).map { .ttl(.seconds($0)) }
        random = SeededGenerator(seed: seed)
        disk = try await SQLiteStore.open(path: path, logger: quiet, clock: clock)
    }

    init(etcd fixture: StoreFixture, seed: UInt64) {
        path = nil
        lives = [fixture.life]
        random = SeededGenerator(seed: seed)
        disk = fixture.store
    }

    func close() async {
        await disk.close()
        await memory.close()
    }

    mutating func step() async throws {
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<80: try await commit()
        case 80..<86: try await grant()
        case 86..<89: await onLease { try await $0.keepAlive($1) }
        case 89..<92: await onLease { try await $0.revoke($1) }
        case 92..<96 where path != nil: try await pass(.milliseconds(Int.random(in: 1...4_000, using: &random)))
        case 96..<98:
            // What comes before the first revision of etcd, 2, was never there to be forgotten.
            let first: Int64 = path == nil ? 2 : 0
            guard memory.revision.number >= first else { return }
            oldest = Int64.random(in: first...memory.revision.number, using: &random)
            try await memory.compact(to: Revision(oldest))
            try await disk.compact(to: Revision(oldest))
        default:
            guard let path else { return }
            memory = await memory.reopened()
            await disk.close()
            clock = ManualClock()
            disk = try await SQLiteStore.open(path: path, logger: quiet, clock: clock)
        }
    }

    func compare(_ place: String) async throws {
        let entries = try await disk.range(.prefix(""), limit: 0)
        #expect(entries.revision == memory.revision, "\(place)")
        #expect(entries.entries.map(comparable) == memory.entries.map(comparable), "\(place)")
        guard memory.revision.number % 7 == 0, memory.revision > .zero else { return }
        for start in [oldest - 1, oldest, memory.revision.number] {
            let (one, other) = (await changes(memory, start), await changes(disk, start))
            #expect(one == other, "\(place), from \(start)")
        }
    }

    private func comparable(_ entry: StoredEntry) -> StoredEntry {
        var entry = entry
        let index = leases.firstIndex { $0.memory == entry.lease || $0.disk == entry.lease }
        entry.lease = index.map { LeaseID(Int64($0)) }
        return entry
    }

    /// Everything a watch delivers, up to the newest revision.
    private func changes(_ store: any KeyValueStore, _ start: Int64) async -> [String] {
        var lines: [String] = []
        do {
            for try await batch in store.watch(.prefix(""), from: Revision(start)) {
                lines += batch.events.map(\.text)
                if batch.revision >= memory.revision { break }
            }
        } catch {
            lines.append((error as? StoreError).map { "\($0.code)" } ?? "\(error)")
        }
        return lines
    }

    private mutating func commit() async throws {
        let compares = (0..<Int.random(in: 0...2, using: &random)).map { _ in compare() }
        let lease = leases.randomElement(using: &random)
        var onMemory: [StoreOperation] = []
        var onDisk: [StoreOperation] = []
        for _ in 0..<Int.random(in: 0...4, using: &random) {
            if Int.random(in: 0..<4, using: &random) == 0 {
                let operation = StoreOperation.delete(range())
                onMemory.append(operation)
                onDisk.append(operation)
                continue
            }
            let (key, value) = (key(), [UInt8](repeating: 65, count: Int.random(in: 0...40, using: &random)))
            let isLeased = Int.random(in: 0..<4, using: &random) == 0
            onMemory.append(.put(key, value, lease: isLeased ? lease?.memory : nil))
            onDisk.append(.put(key, value, lease: isLeased ? lease?.disk : nil))
        }
        let one = await memory.commit(Transaction(compares: compares, operations: onMemory))
        let other = await disk.commit(Transaction(compares: compares, operations: onDisk))
        // etcd looks at the leases only when the compares hold. Either way nothing was changed.
        if path == nil, one.refusal == .leaseNotFound, other == .conflict { return }
        #expect(kind(one) == kind(other), "\(compares) \(onMemory)")
    }

    /// The outcome without its message.
    private func kind(_ outcome: CommitOutcome) -> String {
        outcome.refusal.map { "refused \($0)" } ?? "\(outcome)"
    }

    private mutating func grant() async throws {
        guard let life = lives.randomElement(using: &random) else { return }
        leases.append((try await memory.grantLease(life), try await disk.grantLease(life)))
    }

    private mutating func onLease(_ action: (any KeyValueStore, LeaseID) async throws -> Void) async {
        guard let lease = leases.randomElement(using: &random) else { return }
        let one = await errorCode { try await action(memory, lease.memory) }
        let other = await errorCode { try await action(disk, lease.disk) }
        #expect(one == other)
    }

    private func pass(_ time: Duration) async throws {
        memory.advance(by: time)
        clock.advance(by: time)
        try await eventually { try await disk.newest() >= memory.revision }
    }

    private mutating func key() -> Key {
        Key(["a", "a/", "a/b", "a/c", "b", "b/\0", "b/é", "c/d/e"].randomElement(using: &random) ?? "a")
    }

    private mutating func range() -> KeyRange {
        switch Int.random(in: 0..<4, using: &random) {
        case 0: .key(key())
        case 1: .prefix(["a", "a/", "b/", "c/"].randomElement(using: &random) ?? "a")
        default: KeyRange(start: key(), end: Int.random(in: 0..<6, using: &random) == 0 ? nil : key())
        }
    }

    private mutating func compare() -> Compare {
        let newest = memory.revision.number
        let revision = memory.entries.randomElement(using: &random)?.modified
        switch Int.random(in: 0..<4, using: &random) {
        case 0: return .absent(key())
        case 1: return .present(key())
        case 2:
            guard let entry = memory.entries.randomElement(using: &random) else { return .absent(key()) }
            return .modified(entry.key, at: Bool.random(using: &random) ? entry.modified : Revision(newest))
        default:
            guard let entry = memory.entries.randomElement(using: &random) else { return .absent(key()) }
            return .created(entry.key, at: Bool.random(using: &random) ? entry.created : revision ?? .zero)
        }
    }
}
