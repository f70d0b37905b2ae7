import EtcdLab
import FleetModel
import FleetRegistry
import FleetRuntime
import Foundation
import Testing

@testable import EtcdStore

/// Users and roles, as docs/registry.md says to set them up.
@Suite(.timeLimit(.minutes(4)))
struct LoginTests {
    private func withUsers(
        _ program: EtcdProgram,
        _ arguments: [String] = [],
        _ body: (EtcdCluster, _ passwordFile: String) async throws -> Void
    ) async throws {
        let folder = try TestFolder.make("login")
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await EtcdCluster.with(program, size: 1, arguments: ["--bcrypt-cost", "4"] + arguments) { cluster in
            try await cluster.control("user", "add", "root:r")
            try await cluster.control("user", "grant-role", "root", "root")
            try await cluster.control("role", "add", "fleet")
            try await cluster.control("role", "grant-permission", "fleet", "--prefix=true", "readwrite", "/fleet/")
            try await cluster.control("user", "add", "fleet:first")
            try await cluster.control("user", "grant-role", "fleet", "fleet")
            try await cluster.control("auth", "enable")
            try "first\n".write(toFile: "\(folder)/password", atomically: true, encoding: .utf8)
            try await body(cluster, "\(folder)/password")
        }
    }

    @Test(arguments: EtcdProgram.allCases)
    func `a role for the prefix is enough for all that fleetd does`(_ program: EtcdProgram) async throws {
        try await withUsers(program) { cluster, file in
            let store = try cluster.store { ($0.username, $0.password) = ("fleet", .file(file)) }
            let lease = try await store.grantLease(.ttl(.seconds(30)))
            let start = try await store.change(put("/fleet/a", "1", lease: lease), put("/fleet/b", "2"))
            try await store.keepAlive(lease)
            var watch = store.watch(.prefix("/fleet/"), from: start).makeAsyncIterator()
            #expect(try await watch.next()?.events.count == 2)
            try await store.revoke(lease)
            #expect(try await watch.next()?.events.count == 1)
            #expect(try await store.list("/fleet/") == ["/fleet/b=2"])
            #expect(await store.commit(if: [.present(Key("/fleet/b"))]).error == nil)
            try await store.compact(to: start)
            let other = await store.commit(put("/other", "1"))
            #expect(other.error?.message.contains("denies this to user 'fleet'") == true, "\(other)")
            #expect(await failure { _ = try await store.list("/") }?.message.contains("grant-permission") == true)
            let unseen = await failure { for try await _ in store.watch(.prefix("/"), from: start) {} }
            #expect(unseen?.message.contains("denies this to user 'fleet'") == true, "\(String(describing: unseen))")
            await store.close()
        }
    }

    @Test(arguments: EtcdProgram.allCases)
    func `a token that etcd no longer knows is replaced`(_ program: EtcdProgram) async throws {
        try await withUsers(program) { cluster, file in
            let store = try cluster.store { ($0.username, $0.password) = ("fleet", .file(file)) }
            let start = try await store.change(put("/fleet/a", "1"))
            var watch = store.watch(.prefix("/fleet/"), from: start).makeAsyncIterator()
            _ = try await watch.next()
            cluster.members[0].kill()
            try cluster.start(cluster.members[0])
            try await eventually("it goes on") { await store.commit(put("/fleet/a", "2")).error == nil }
            #expect(try await watch.next()?.revision == start.next)
            // A changed password ends all tokens of the user, and is read again.
            try await cluster.control(
                "user",
                "passwd",
                "fleet",
                "--interactive=false",
                login: "root:r",
                input: "second\n"
            )
            let refused = await store.commit(put("/fleet/a", "3"))
            #expect(
                refused.error?.message.contains("does not accept user 'fleet' with that password") == true,
                "\(refused)"
            )
            try "second\n".write(toFile: file, atomically: true, encoding: .utf8)
            try await store.change(put("/fleet/a", "4"))
            await store.close()
        }
    }

    @Test(arguments: EtcdProgram.allCases)
    func `a token that has expired is replaced`(_ program: EtcdProgram) async throws {
        try await withUsers(program, ["--auth-token-ttl", "1"]) { cluster, file in
            let store = try cluster.store { ($0.username, $0.password) = ("fleet", .file(file)) }
            let lease = try await store.grantLease(.ttl(.seconds(30)))
            var start = try await store.change(put("/fleet/a", "0"))
            var watch = store.watch(.prefix("/fleet/"), from: start).makeAsyncIterator()
            _ = try await watch.next()
            for round in 1...2 {
                // Not a wait: as long as nobody uses it, a token grows old.
                try await Task.sleep(for: .seconds(3))
                try await store.keepAlive(lease)
                start = try await store.change(put("/fleet/a", "\(round)"))
                #expect(try await watch.next()?.revision == start, "the watch goes on")
            }
            await store.close()
        }
    }

    @Test(arguments: EtcdProgram.allCases)
    func `what is wrong with a login is said`(_ program: EtcdProgram) async throws {
        try await withUsers(program) { cluster, file in
            let table: [(String?, EtcdSettings.Password?, String)] = [
                ("fleet", .text("wrong"), "does not accept user 'fleet' with that password"),
                ("nobody", .text("first"), "does not accept user 'nobody'"),
                ("fleet", .file("/nowhere"), "the password file '/nowhere' cannot be read"),
                (nil, nil, "set etcd_username and etcd_password_file"),
            ]
            for (user, password, expected) in table {
                let store = try cluster.store { ($0.username, $0.password) = (user, password) }
                let start = ContinuousClock.now
                let error = await failure { _ = try await store.list("/fleet/") }
                #expect(error?.message.contains(expected) == true, "\(String(describing: error))")
                #expect(ContinuousClock.now - start < .seconds(2), "no try more than helps")
                await store.close()
            }
        }
    }

    @Test func `a user that etcd does not ask for does no harm`() async throws {
        try await EtcdCluster.with(.trixie, size: 1) { cluster in
            let store = try cluster.store { ($0.username, $0.password) = ("fleet", .text("first")) }
            try await store.change(put("/fleet/a", "1"))
            await store.close()
        }
    }
}
