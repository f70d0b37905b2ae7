import FleetModel
import FleetRegistry
import FleetRuntime
import Foundation
import MemoryStore
import SQLiteStore
import Testing

@Suite(.timeLimit(.minutes(5)))
struct DiskFullTests {
    /// A file system of two mebibytes.
    private func withSmallDisk(_ body: (String) async throws -> Void) async throws {
        try await withDirectory { directory in
            let mounted = try Child("mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", directory).finish()
            try #require(mounted.succeeded)
            let result: Result<Void, any Error>
            do {
                try await body(directory)
                result = .success(())
            } catch {
                result = .failure(error)
            }
            #expect(try Child("umount", directory).finish().succeeded)
            try result.get()
        }
    }

    @Test(.enabled(if: getuid() == 0, "mounting a small file system needs root"))
    func `a full disk refuses commits, keeps the old state, and works again with room`() async throws {
        try await withSmallDisk { directory in
            let clock = ManualClock()
            let path = directory + "/registry.db"
            let ballast = directory + "/ballast"
            #expect(FileManager.default.createFile(atPath: ballast, contents: Data(count: 512 << 10)))
            let store = try await SQLiteStore.open(path: path, logger: quiet, clock: clock)
            let lease = try await store.grantLease(.ttl(.seconds(5)))
            try await store.change(put("leased", "", lease: lease))
            let value = String(repeating: "v", count: 20_000)
            var count = 0
            var outcome = CommitOutcome.conflict
            while count < 1_000 {
                outcome = await store.commit(put("k/\(count)", value), put("n", "\(count)"))
                guard case .committed = outcome else { break }
                count += 1
            }
            #expect(outcome.refusal == .full)
            #expect(outcome.error?.message.contains("No space is left for the registry '\(path)'") == true)
            #expect(count > 5 && count < 1_000)
            #expect(try await store.list("k/").count == count)
            #expect(try await store.list("n") == ["n=\(count - 1)"])
            #expect(try await store.newest() == Revision(Int64(count + 1)))
            // A lease that ends now may not find the room for it, and is ended later.
            clock.advance(by: .seconds(6))
            #expect(await errorCode { try await store.keepAlive(lease) } == .leaseNotFound)

            try FileManager.default.removeItem(atPath: ballast)
            try await store.change(put("k/\(count)", value))
            try await eventually {
                clock.advance(by: .seconds(1))
                return try await store.entry("leased") == nil
            }
            await store.close()
            let again = try await SQLiteStore.open(path: path, logger: quiet)
            #expect(try await again.list("k/").count == count + 1)
            await again.close()
        }
    }

    @Test(.enabled(if: getuid() == 0, "mounting a small file system needs root"))
    func `a transaction that does not fit takes no other with it`() async throws {
        try await withSmallDisk { directory in
            let store = try await SQLiteStore.open(path: directory + "/registry.db", logger: quiet)
            let outcomes = await withTaskGroup(of: (Int, CommitOutcome).self) { group in
                for number in 0..<40 {
                    let operation = StoreOperation.put(
                        Key("k/\(number)"),
                        [UInt8](repeating: 1, count: number == 20 ? 3 << 20 : 100),
                        lease: nil
                    )
                    group.addTask { (number, await store.commit(operation)) }
                }
                return await group.reduce(into: [Int: CommitOutcome]()) { $0[$1.0] = $1.1 }
            }
            #expect(outcomes[20]?.refusal == .full)
            #expect(outcomes.values.filter { $0.error == nil }.count == 39)
            #expect(try await store.list("k/").count == 39)
            #expect(try await store.newest() == Revision(39))
            await store.close()
        }
    }

    @Test
    func `a limit on the file's size refuses a commit, and the next works without it`() async throws {
        try await withDirectory { directory in
            let said = try Child(Child.crasher, "starve", directory + "/registry.db", "1000000").finish().text
            #expect(said == "unavailable true true true\n")
        }
    }

    @Test(.enabled(if: getuid() == 0, "mounting a small file system needs root"))
    func `no room for a new registry`() async throws {
        try await withSmallDisk { directory in
            let path = directory + "/registry.db"
            let filler = try Child("dd", "if=/dev/zero", "of=\(directory)/filler", "bs=4096", "status=none").finish()
            #expect(!filler.succeeded)
            let code = await errorCode { _ = try await SQLiteStore.open(path: path, logger: quiet) }
            #expect(code == .full)
            #expect(!FileManager.default.fileExists(atPath: path))
        }
    }
}
