import FleetModel
import FleetRegistry
import FleetRuntime
import Glibc
import Logging
import SQLiteStore

/// A process that is killed, kept out or starved by the store's tests.
///
///     store-crash commit PATH WRITERS    commits numbered transactions until killed, printing each acknowledged one
///     store-crash open PATH              opens the registry and prints how that ended
///     store-crash starve PATH BYTES      fills it up to a file size limit, lifts the limit, commits once more
@main
enum Main {
    static func main() async throws {
        let arguments = CommandLine.arguments
        guard arguments.count > 2 else { exit(2) }
        let number = arguments.count > 3 ? Int(arguments[3]) ?? 0 : 0
        switch arguments[1] {
        case "commit": try await commit(arguments[2], writers: number)
        case "open": await open(arguments[2])
        case "starve": try await starve(arguments[2], bytes: number)
        default: exit(2)
        }
    }

    private static func store(_ path: String) async throws(StoreError) -> SQLiteStore {
        try await SQLiteStore.open(path: path, logger: Logger(label: "crash") { _ in SwiftLogNoOpLogHandler() })
    }

    private static func say(_ line: String) {
        let bytes = Array((line + "\n").utf8)
        guard write(1, bytes, bytes.count) == bytes.count else { exit(3) }
    }

    private static func open(_ path: String) async {
        do {
            await (try store(path)).close()
            say("opened")
        } catch {
            say("\(error.code) \(error.message)")
        }
    }

    /// Transaction `n` of a writer sets two counters to `n`, adds a log entry with a length that depends on `n`, drops
    /// the one of three transactions ago, and renews a key that lives as long as the process.
    private static func commit(_ path: String, writers: Int) async throws {
        let store = try await store(path)
        let lease = try await store.grantLease(.whileOpen)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for writer in 0..<writers {
                group.addTask {
                    let stored = try await store.range(.key(Key("\(writer)/a")), limit: 0).entries.first
                    var number = stored.flatMap { Int(String(decoding: $0.value, as: UTF8.self)) } ?? 0
                    while true {
                        number += 1
                        let text = Array("\(number)".utf8)
                        let log = [UInt8](repeating: UInt8(number % 251), count: number * 7919 % 9001)
                        let outcome = await store.commit(
                            Transaction(operations: [
                                .put(Key("\(writer)/a"), text, lease: nil),
                                .put(Key("\(writer)/log/\(number)"), log, lease: nil),
                                .delete(.key(Key("\(writer)/log/\(number - 3)"))),
                                .put(Key("\(writer)/live"), text, lease: lease),
                                .put(Key("\(writer)/b"), text, lease: nil),
                            ])
                        )
                        guard case .committed = outcome else { exit(4) }
                        say("\(writer) \(number)")
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    private static func starve(_ path: String, bytes: Int) async throws {
        let store = try await store(path)
        signal(SIGXFSZ, SIG_IGN)
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
        let lifted = limit
        limit.rlim_cur = rlim_t(bytes)
        setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
        var count = 0
        let value = [UInt8](repeating: 7, count: 10_000)
        var outcome = CommitOutcome.conflict
        while count < 10_000 {
            outcome = await store.commit(
                Transaction(operations: [.put(Key("k\(count)"), value, lease: nil), .put(Key("n"), value, lease: nil)])
            )
            guard case .committed = outcome else { break }
            count += 1
        }
        guard case .refused(let error) = outcome else { return say("\(outcome)") }
        let entries = try await store.range(.prefix("k"), limit: 0).entries.count
        var old = lifted
        setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &old)
        let next = await store.commit(Transaction(operations: [.put(Key("k\(count)"), value, lease: nil)]))
        guard case .committed(let revision) = next else { return say("\(next)") }
        await store.close()
        say("\(error.code) \(entries == count) \(revision.number == Int64(count + 1)) \(count > 10)")
    }
}
