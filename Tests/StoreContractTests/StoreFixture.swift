import FleetModel
import FleetRegistry
import FleetRuntime
import Foundation
import Logging
import MemoryStore
import SQLiteStore
import Testing

/// Which implementation a contract test runs on.
enum StoreKind: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case memory, sqlite
    /// One member, or three, of a real etcd.
    case etcd34, etcd34x3, etcd35, etcd35x3
    /// Three members, one of which is killed, started again and paused all the time.
    case etcd34faulty, etcd35faulty

    /// Those whose time a test moves, and whose leases end with the process.
    static let embedded: [StoreKind] = [.memory, .sqlite]
    static let etcd: [StoreKind] = [.etcd34, .etcd34x3, .etcd34faulty, .etcd35, .etcd35x3, .etcd35faulty]

    var testDescription: String { rawValue }
}

/// One implementation, with what a test may do to it from outside.
struct StoreFixture: Sendable {
    let store: any KeyValueStore
    /// Of leases that are to last as long as the test.
    let life: LeaseLife
    /// Lets time pass for leases.
    let advance: @Sendable (Duration) -> Void
    /// The store as the next process finds it.
    let reopen: @Sendable () async throws -> StoreFixture
}

extension StoreFixture {
    /// A fresh, empty store, closed and removed after `body`.
    static func with(_ kind: StoreKind, _ body: (StoreFixture) async throws -> Void) async throws {
        switch kind {
        case .memory:
            let fixture = memory(MemoryStore())
            try await body(fixture)
            await fixture.store.close()
        case .sqlite:
            try await withDirectory { directory in
                let fixture = try await sqlite(directory + "/registry.db")
                try await body(fixture)
                await fixture.store.close()
            }
        case .etcd34, .etcd34x3, .etcd34faulty, .etcd35, .etcd35x3, .etcd35faulty:
            try await EtcdClusters.with(kind, body)
        }
    }

    private static func memory(_ store: MemoryStore) -> StoreFixture {
        StoreFixture(
            store: store,
            life: .whileOpen,
            advance: { store.advance(by: $0) },
            reopen: { memory(await store.reopened()) }
        )
    }

    private static func sqlite(_ path: String) async throws -> StoreFixture {
        let clock = ManualClock()
        let store = try await SQLiteStore.open(path: path, logger: quiet, clock: clock)
        return StoreFixture(
            store: store,
            life: .whileOpen,
            advance: { clock.advance(by: $0) },
            reopen: {
                await store.close()
                return try await sqlite(path)
            }
        )
    }
}

/// A logger that says nothing.
let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

/// A directory of the test's own, removed afterwards: in memory where that is possible, so that thousands of fsyncs do
/// not depend on how busy the disk is. What a killed process leaves behind is the same on either.
func withDirectory<Result>(_ body: (String) async throws -> Result) async throws -> Result {
    let files = FileManager.default
    let memory = "/dev/shm"
    let parent = files.isWritableFile(atPath: memory) ? memory : files.temporaryDirectory.path
    let directory = "\(parent)/fleet-store-\(UUID())"
    try files.createDirectory(atPath: directory, withIntermediateDirectories: true)
    defer { try? files.removeItem(atPath: directory) }
    return try await body(directory)
}

// Short forms, so that a test reads as a table.

func put(_ key: String, _ value: String, lease: LeaseID? = nil) -> StoreOperation {
    .put(Key(key), Array(value.utf8), lease: lease)
}

func delete(_ key: String) -> StoreOperation { .delete(.key(Key(key))) }
func deleteAll(_ prefix: String) -> StoreOperation { .delete(.prefix(prefix)) }

extension KeyValueStore {
    /// Commits and insists on success.
    @discardableResult
    func change(
        _ operations: StoreOperation...,
        if compares: [Compare] = [],
        at location: SourceLocation = #_sourceLocation
    ) async throws -> Revision {
        let outcome = await commit(Transaction(compares: compares, operations: operations))
        guard case .committed(let revision) = outcome else {
            Issue.record("the commit ended in \(outcome)", sourceLocation: location)
            throw CancellationError()
        }
        return revision
    }

    func commit(if compares: [Compare] = [], _ operations: StoreOperation...) async -> CommitOutcome {
        await commit(Transaction(compares: compares, operations: operations))
    }

    /// `key=value` of every entry below `prefix`.
    func list(_ prefix: String = "", limit: Int = 0) async throws -> [String] {
        try await range(.prefix(prefix), limit: limit).entries.map {
            "\($0.key)=\(String(decoding: $0.value, as: UTF8.self))"
        }
    }

    func entry(_ key: String) async throws -> StoredEntry? {
        try await range(.key(Key(key)), limit: 0).entries.first
    }

    /// How a watch from `start` ends before it delivers anything.
    func watchError(from start: Int64) async -> StoreError.Code? {
        await errorCode { for try await _ in watch(.prefix(""), from: Revision(start)) { return } }
    }

    func newest() async throws -> Revision { try await range(.key(Key("none")), limit: 0).revision }

    /// The changes of `prefix` from `start` until the newest revision at the time of the call, one line each.
    func changes(_ prefix: String = "", from start: Revision = Revision(1)) async throws -> [String] {
        let mark = try await change(put("zz/mark", ""))
        var lines: [String] = []
        for try await batch in watch(KeyRange(start: Key(prefix), end: nil), from: start) {
            lines += batch.events.filter { $0.text.hasPrefix("\($0.at) ") && !$0.text.contains("zz/mark") }
                .filter { KeyRange.prefix(prefix).contains($0.key) }.map(\.text)
            if batch.revision >= mark { break }
        }
        return lines
    }
}

extension StoreEvent {
    var key: Key {
        switch self {
        case .put(let entry): entry.key
        case .delete(let key, at: _): key
        }
    }

    var at: Revision {
        switch self {
        case .put(let entry): entry.modified
        case .delete(_, at: let revision): revision
        }
    }

    /// `REVISION KEY=VALUE` or `REVISION -KEY`.
    var text: String {
        switch self {
        case .put(let entry): "\(at) \(entry.key)=\(String(decoding: entry.value, as: UTF8.self))"
        case .delete(let key, at: _): "\(at) -\(key)"
        }
    }
}

extension CommitOutcome {
    var refusal: StoreError.Code? {
        guard case .refused(let error) = self else { return nil }
        return error.code
    }
}

/// The code of the error that `body` throws.
func errorCode(_ body: () async throws -> Void) async -> StoreError.Code? {
    do {
        try await body()
        return nil
    } catch {
        return (error as? StoreError)?.code
    }
}

/// Reads a watch on demand.
struct WatchReader {
    private var iterator: AsyncThrowingStream<WatchBatch, any Error>.Iterator

    init(_ stream: AsyncThrowingStream<WatchBatch, any Error>) { iterator = stream.makeAsyncIterator() }

    /// The lines of the next `count` events, read batch by batch.
    mutating func lines(_ count: Int) async throws -> [String] {
        var lines: [String] = []
        while lines.count < count, let batch = try await iterator.next() { lines += batch.events.map(\.text) }
        return lines
    }

    mutating func batch() async throws -> WatchBatch? { try await iterator.next() }
}
