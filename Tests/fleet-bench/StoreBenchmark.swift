import FleetModel
import FleetRegistry
import FleetRuntime
import Glibc
import Logging
import SQLiteStore

/// One line of a benchmark's result.
struct BenchmarkRow: CustomStringConvertible {
    var name: String
    var value: Double
    var unit: String
    var note = ""

    var description: String {
        let number = value >= 100 ? "\(Int(value.rounded()))" : "\((value * 100).rounded() / 100)"
        let columns = name + String(repeating: " ", count: max(1, 44 - name.count))
        return columns + String(repeating: " ", count: max(0, 8 - number.count)) + number + " " + unit
            + (note.isEmpty ? "" : "   " + note)
    }
}

/// How many durable writes a second the embedded registry does, beside a bare loop of write and fdatasync(2) of as many
/// bytes into a file of the same size, on the same file system, in turns, so that both see the same disk.
enum StoreBenchmark {
    /// What SQLite's log takes for a small put: a page of each of two tables, each with a header of 24 bytes.
    private static let bytesPerCommit = 2 * (4096 + 24)
    /// The log starts again at its beginning after 1,000 pages.
    private static let logBytes = 500 * bytesPerCommit
    private static let value = [UInt8](repeating: 0x7b, count: 256)

    static func run(in directory: String = ".", rounds: Int = 8, commits: Int = 500) async throws -> [BenchmarkRow] {
        let folder = "\(directory)/store-benchmark.\(getpid())"
        guard mkdir(folder, 0o700) == 0 else { throw StoreError(.unavailable, "cannot make '\(folder)'") }
        defer { remove(folder) }
        let path = folder + "/registry.db"
        let store = try await SQLiteStore.open(
            path: path,
            logger: Logger(label: "bench") { _ in SwiftLogNoOpLogHandler() }
        )
        defer { for ending in ["", "-wal", "-shm", ".lock"] { unlink(path + ending) } }
        let bare = try BareFile(path: folder + "/bare", size: logBytes)
        defer { unlink(folder + "/bare") }
        // Both files exist in full before anything is measured.
        try await single(store, commits: 600)
        var (bareTime, singleTime, concurrentTime, readTime) = (
            Duration.zero, Duration.zero, Duration.zero, Duration.zero
        )
        for _ in 0..<rounds {
            bareTime += try bare.time(writes: commits, bytes: bytesPerCommit)
            singleTime += try await single(store, commits: commits)
            concurrentTime += try await concurrent(store, writers: 64, commits: commits * 4)
            readTime += try await reads(store, count: commits)
        }
        let wakeUps = try await idleWakeUps(store, seconds: 10)
        await store.close()
        let count = Double(rounds * commits)
        let (bareRate, singleRate) = (count / bareTime.seconds, count / singleTime.seconds)
        let concurrentRate = count * 4 / concurrentTime.seconds
        return [
            BenchmarkRow(name: "bare write + fdatasync, \(bytesPerCommit) bytes", value: bareRate, unit: "/s"),
            BenchmarkRow(name: "store, one put of 256 bytes at a time", value: singleRate, unit: "commits/s"),
            BenchmarkRow(name: "  ratio to bare", value: singleRate / bareRate, unit: "x"),
            BenchmarkRow(name: "store, 64 commits at a time", value: concurrentRate, unit: "commits/s"),
            BenchmarkRow(name: "  ratio to bare", value: concurrentRate / bareRate, unit: "x"),
            BenchmarkRow(name: "store, one key read at a time", value: count / readTime.seconds, unit: "reads/s"),
            BenchmarkRow(name: "wake-ups in 10 s of idling", value: Double(wakeUps), unit: ""),
            BenchmarkRow(name: "resident memory of this process", value: residentMebibytes(), unit: "MiB"),
        ]
    }

    @discardableResult
    private static func single(_ store: SQLiteStore, commits: Int) async throws -> Duration {
        let start = ContinuousClock.now
        for number in 0..<commits { try await put(store, number) }
        return ContinuousClock.now - start
    }

    private static func concurrent(_ store: SQLiteStore, writers: Int, commits: Int) async throws -> Duration {
        let start = ContinuousClock.now
        try await withThrowingTaskGroup(of: Void.self) { group in
            for writer in 0..<writers {
                group.addTask {
                    for number in stride(from: writer, to: commits, by: writers) { try await put(store, number) }
                }
            }
            try await group.waitForAll()
        }
        return ContinuousClock.now - start
    }

    private static func reads(_ store: SQLiteStore, count: Int) async throws -> Duration {
        let start = ContinuousClock.now
        for number in 0..<count {
            guard try await store.range(.key(key(number)), limit: 0).entries.count == 1 else {
                throw StoreError(.corrupt, "a key that was written is not there")
            }
        }
        return ContinuousClock.now - start
    }

    /// How often any thread of this process ran while the store was open, with a lease and a watch, and nobody used it.
    private static func idleWakeUps(_ store: SQLiteStore, seconds: UInt32) async throws -> Int {
        _ = try await store.grantLease(.whileOpen)
        let start = try await store.range(.key(key(0)), limit: 0).revision.next
        let watch = Task { for try await _ in store.watch(.prefix(""), from: start) {} }
        // Threads that a burst of work started leave after five seconds without any. This blocks its thread on
        // purpose: a sleeping task would need a timer, which is what must not be counted.
        guard sleep(8) == 0 else { return -1 }
        let before = contextSwitches()
        guard sleep(seconds) == 0 else { return -1 }
        // One of them is the sleep itself.
        let count = contextSwitches() - before - 1
        watch.cancel()
        return count
    }

    private static func contextSwitches() -> Int {
        guard let tasks = opendir("/proc/self/task") else { return 0 }
        defer { closedir(tasks) }
        var sum = 0
        while let task = readdir(tasks) {
            let name = withUnsafeBytes(of: task.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard let file = fopen("/proc/self/task/\(name)/status", "r") else { continue }
            defer { fclose(file) }
            var line = [CChar](repeating: 0, count: 256)
            while fgets(&line, 256, file) != nil {
                let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
                guard text.hasPrefix("voluntary_ctxt_switches:") else { continue }
                sum += text.split(whereSeparator: \.isWhitespace).last.flatMap { Int($0) } ?? 0
            }
        }
        return sum
    }

    private static func key(_ number: Int) -> Key {
        Key("/fleet/status/0123456789abcdef0123456789abcdef/unit\(number % 500).service")
    }

    private static func put(_ store: SQLiteStore, _ number: Int) async throws {
        let outcome = await store.commit(Transaction(operations: [.put(key(number), value, lease: nil)]))
        guard case .committed = outcome else { throw StoreError(.unavailable, "a commit ended in \(outcome)") }
    }

    private static func residentMebibytes() -> Double {
        guard let file = fopen("/proc/self/statm", "r") else { return 0 }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 128)
        guard fgets(&line, 128, file) != nil else { return 0 }
        let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let pages = text.split(separator: " ").dropFirst().first.flatMap { Double($0) } ?? 0
        return pages * Double(getpagesize()) / 1_048_576
    }
}

/// The reference: writes into a file that has its size already, round and round, each synced.
private struct BareFile {
    let descriptor: Int32
    let size: Int

    init(path: String, size: Int) throws {
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        self.size = size
        let zeros = [UInt8](repeating: 0, count: size)
        guard descriptor >= 0, write(descriptor, zeros, size) == size, fsync(descriptor) == 0 else {
            throw StoreError(.unavailable, "cannot write '\(path)'")
        }
    }

    func time(writes: Int, bytes: Int) throws -> Duration {
        let block = [UInt8](repeating: 0x7b, count: bytes)
        let start = ContinuousClock.now
        for number in 0..<writes {
            let offset = number * bytes % (size - bytes + 1)
            guard pwrite(descriptor, block, bytes, off_t(offset)) == bytes, fdatasync(descriptor) == 0 else {
                throw StoreError(.unavailable, "the reference cannot write")
            }
        }
        return ContinuousClock.now - start
    }
}

extension Duration {
    fileprivate var seconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
