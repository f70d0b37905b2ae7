import FleetModel
import FleetRegistry
import FleetRuntime
import Foundation
import MemoryStore
import Testing

@testable import SQLiteStore

@Suite(.timeLimit(.minutes(5)))
struct OwnershipTests {
    private func open(_ path: String) async throws(StoreError) -> SQLiteStore {
        try await SQLiteStore.open(path: path, logger: quiet)
    }

    @Test
    func `a second store, here or in another process, is told who has it`() async throws {
        try await withDirectory { directory in
            let path = directory + "/registry.db"
            let store = try await open(path)
            let error = await #expect(throws: StoreError.self) { try await open(path) }
            #expect(error?.code == .inUse)
            #expect(error?.message.contains("'\(path)' is already open in process \(getpid());") == true)
            let said = try Child(Child.crasher, "open", path).finish().text
            #expect(said.hasPrefix("inUse "))
            #expect(said.contains("is already open in process \(getpid());"))
            try await store.change(put("a", "1"))
            await store.close()
            #expect(try Child(Child.crasher, "open", path).finish().text == "opened\n")
            let again = try await open(path)
            #expect(try await again.list() == ["a=1"])
            await again.close()
        }
    }

    @Test
    func `another program may look into it`() async throws {
        try await withDirectory { directory in
            let store = try await open(directory + "/registry.db")
            try await store.change(put("a", "1"))
            let connection = try Connection(path: directory + "/registry.db", mode: .readOnly)
            #expect(try connection.text("SELECT value FROM entries") == "1")
            try await store.change(put("a", "2"))
            #expect(try connection.text("SELECT value FROM entries") == "2")
            await store.close()
        }
    }

    @Test
    func `only its owner may read it`() async throws {
        try await withDirectory { directory in
            let path = directory + "/registry.db"
            let store = try await open(path)
            try await store.change(put("a", "1"))
            for name in ["registry.db", "registry.db-wal", "registry.db-shm", "registry.db.lock"] {
                #expect(try mode(directory + "/" + name) == 0o600, "\(name)")
            }
            await store.close()
            #expect(chmod(path, 0o644) == 0)
            await (try open(path)).close()
            #expect(try mode(path) == 0o600)
        }
    }

    private func mode(_ path: String) throws -> Int? {
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        return (attributes[.posixPermissions] as? NSNumber)?.intValue
    }

    @Test
    func `every commit is synced`() async throws {
        try await withDirectory { directory in
            let file = StoreFile(path: directory + "/registry.db")
            try file.prepare()
            let connection = try Connection(path: file.path, mode: .readWrite)
            try connection.setUp(file: file, tuning: StoreTuning())
            #expect(try connection.number("PRAGMA synchronous") == 2)
            #expect(try connection.text("PRAGMA journal_mode") == "wal")
            #expect(try connection.number("PRAGMA cache_size") == -128)
            #expect(try connection.number("PRAGMA mmap_size") == 0)
        }
    }

    @Test
    func `a newer format is refused and left alone`() async throws {
        try await withDirectory { directory in
            let path = directory + "/registry.db"
            await (try open(path)).close()
            try Connection(path: path, mode: .readWrite).execute("UPDATE meta SET number = 2 WHERE name = 'format'")
            let before = try Data(contentsOf: URL(fileURLWithPath: path))
            let error = await #expect(throws: StoreError.self) { try await open(path) }
            #expect(error?.code == .newerFormat)
            #expect(error?.message.contains("it has format 2, this one reads up to 1") == true)
            #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == before)
        }
    }

    @Test
    func `something else is not taken for a registry`() async throws {
        try await withDirectory { directory in
            let path = directory + "/other.db"
            #expect(FileManager.default.createFile(atPath: path, contents: Data([0])))
            #expect(truncate(path, 0) == 0)
            try Connection(path: path, mode: .readWrite).execute("CREATE TABLE t(a)")
            #expect(await errorCode { _ = try await open(path) } == .invalid)
            try FileManager.default.createDirectory(atPath: directory + "/d", withIntermediateDirectories: true)
            #expect(await errorCode { _ = try await open(directory + "/d") } == .invalid)
            #expect(await errorCode { _ = try await open(directory + "/missing/registry.db") } == .unavailable)
        }
    }

    @Test
    func `there is a timer only while a lease has a deadline, and only one`() async throws {
        try await withDirectory { directory in
            let clock = ManualClock()
            let path = directory + "/registry.db"
            let store = try await SQLiteStore.open(path: path, logger: quiet, clock: clock)
            _ = try await store.grantLease(.whileOpen)
            #expect(clock.sleepers == 0)
            var leases: [LeaseID] = []
            for seconds in [30, 10, 20] { leases.append(try await store.grantLease(.ttl(.seconds(seconds)))) }
            try await eventually { clock.sleepers == 1 }
            for lease in leases { try await store.revoke(lease) }
            try await eventually { clock.sleepers == 0 }
            _ = try await store.grantLease(.ttl(.seconds(5)))
            try await eventually { clock.sleepers == 1 }
            await store.close()
            try await eventually { clock.sleepers == 0 }
        }
    }
}

/// Polls until `condition` holds; a failed wait is a failed test.
func eventually(
    within limit: Duration = .seconds(10),
    at location: SourceLocation = #_sourceLocation,
    _ condition: () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + limit
    while try await !condition() {
        guard ContinuousClock.now < deadline else {
            Issue.record("nothing came of the wait", sourceLocation: location)
            return
        }
        // Not a wait: the pause between two looks of a poll that has a deadline.
        try await Task.sleep(for: .milliseconds(2))
    }
}
