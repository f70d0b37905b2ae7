import EtcdLab
import FleetModel
import FleetRegistry
import FleetRuntime
import Testing

@testable import EtcdStore

/// Members that are killed, stopped, started again or lose their leader, while others write, watch and keep a lease.
@Suite(.timeLimit(.minutes(4)))
struct FaultTests {
    @Test(arguments: EtcdProgram.allCases)
    func `three members, one fault after the other`(_ program: EtcdProgram) async throws {
        try await EtcdCluster.with(program, size: 3) { cluster in
            let load = try await Load.begin(on: cluster)
            try await load.makeProgress("before any fault")

            let killed = try #require(try await cluster.leader())
            cluster.members[killed].kill()
            try await load.makeProgress("with its leader killed")
            try cluster.start(cluster.members[killed])
            try await cluster.untilReady()

            let paused = try #require(try await cluster.leader())
            cluster.members[paused].pause()
            try await load.makeProgress("with its leader stopped")
            cluster.members[paused].resume()
            try await load.makeProgress("with the old leader awake again")

            for member in cluster.members {
                try await cluster.untilReady()
                member.kill()
                try await load.makeProgress("without \(member.name)")
                try cluster.start(member)
            }
            try await cluster.untilReady()
            for member in cluster.members { member.pause() }
            try await load.standStill()
            for member in cluster.members { member.resume() }
            try await load.makeProgress("after a pause of all")
            try await load.endAndCheck()
        }
    }

    @Test(arguments: EtcdProgram.allCases)
    func `one member, killed and stopped again and again`(_ program: EtcdProgram) async throws {
        try await EtcdCluster.with(program, size: 1) { cluster in
            let load = try await Load.begin(on: cluster)
            for round in 1...3 {
                cluster.members[0].kill()
                if round == 1 { try await load.standStill() }
                try cluster.start(cluster.members[0])
                try await load.makeProgress("after restart \(round)")
            }
            cluster.members[0].pause()
            try await load.standStill()
            cluster.members[0].resume()
            try await load.makeProgress("after a pause")
            try await load.endAndCheck()
        }
    }

    @Test(arguments: EtcdProgram.allCases)
    func `a member without a leader says so, and ends its watches`(_ program: EtcdProgram) async throws {
        try await EtcdCluster.with(program, size: 3) { cluster in
            let store = try cluster.store(order: [0])
            let start = try await store.change(put("k", "1"))
            let watch = Task { await failure { for try await _ in store.watch(.prefix("k"), from: start.next) {} } }
            // The watch is there once a second one, made after it on the same connection, delivers.
            for try await batch in store.watch(.prefix("k"), from: start) where !batch.events.isEmpty { break }
            cluster.members[1].pause()
            cluster.members[2].pause()
            let error = await watch.value
            #expect(
                error?.code == .unavailable && error?.message.contains("no leader") == true,
                "\(String(describing: error))"
            )
            #expect(await failure { _ = try await store.list() }?.message.contains("no leader") == true)
            let outcome = await store.commit(put("k", "2"))
            guard case .refused(let refusal) = outcome else { throw Unexpected(outcome) }
            #expect(refusal.code == .unavailable, "turned away before anything was done, so nothing is unknown")
            cluster.members[1].resume()
            cluster.members[2].resume()
            try await eventually("it goes on") { await store.commit(put("k", "3")).error == nil }
            #expect(try await store.list("k") == ["k=3"])
            await store.close()
        }
    }

    @Test(arguments: EtcdProgram.allCases)
    func `a commit that was never sent is refused, one without an answer is unknown`(
        _ program: EtcdProgram
    ) async throws {
        try await EtcdCluster.with(program, size: 1) { cluster in
            let store = try cluster.store(timeout: .seconds(1))
            try await store.change(put("k", "1"))
            cluster.members[0].pause()
            let sent = await store.commit(put("k", "2"))
            guard case .unknown(let error) = sent else { throw Unexpected(sent) }
            #expect(error.code == .unavailable)
            let unsent = await store.commit(put("k", "3"))
            guard case .refused(let refusal) = unsent else { throw Unexpected(unsent) }
            #expect(refusal.message.contains("says nothing"), "\(refusal)")
            cluster.members[0].resume()
            let before = try await store.list("k")
            #expect(before == ["k=1"] || before == ["k=2"])
            cluster.members[0].kill()
            let gone = await store.commit(put("k", "4"))
            #expect(
                gone.error?.code == .unavailable
                    && gone.error?.message.contains("\(cluster.members[0].address.address)") == true
            )
            try cluster.start(cluster.members[0])
            try await eventually("it goes on") { await store.commit(put("k", "5")).error == nil }
            await store.close()
            #expect(await store.commit(put("k", "6")).error?.code == .closed)
        }
    }

    /// A lost member is left while there is time for the renewal on another one: the fence of `AtMostOnce=` units stays
    /// up.
    @Test func `a stopped member is left before the fence comes down`() async throws {
        let lease = Duration.seconds(5)
        let left = FenceTiming(lease: lease).fence - LeaseRenewal.pause(of: lease)
        let patience = Patience(request: .seconds(5), lease: lease)
        #expect(patience.probeAfter + patience.probeAnswer < left * 3 / 4)
        #expect(Patience(request: .seconds(5)).probeAfter == .seconds(1), "nothing else is in a hurry")
        try await EtcdCluster.with(.trixie, size: 3) { cluster in
            let leader = try #require(try await cluster.leader())
            let follower = (leader + 1) % 3
            let store = try cluster.store(order: [follower, leader], timeout: .seconds(5)) { $0.lease = lease }
            let id = try await store.grantLease(.ttl(lease))
            cluster.members[follower].pause()
            let begin = ContinuousClock.now
            try await store.keepAlive(id)
            #expect(ContinuousClock.now - begin < left)
            cluster.members[follower].resume()
            await store.close()
        }
    }

    @Test func `a watch does not stay with a member that answers nothing`() async throws {
        let stuck = try await StuckMember.start()
        try await EtcdCluster.with(.trixie, size: 1) { cluster in
            let good = try cluster.store()
            let store = try cluster.store(timeout: .seconds(2)) { $0.endpoints.insert(stuck.endpoint, at: 0) }
            let seen = Task {
                for try await batch in store.watch(.prefix("k"), from: Revision(2)) where !batch.events.isEmpty {
                    return batch.events.count
                }
                return 0
            }
            _ = await failure { _ = try await store.list() }
            try await good.change(put("k", "1"))
            #expect(try await seen.value == 1)
            #expect(try await store.list("k") == ["k=1"])
            await store.close()
            await good.close()
        }
        try await stuck.end()
    }

    /// docs/registry.md says how backups are made and used.
    @Test(arguments: EtcdProgram.allCases)
    func `a registry that was restored from a backup ends watches from its future`(
        _ program: EtcdProgram
    ) async throws {
        try await EtcdCluster.with(program, size: 1) { cluster in
            let store = try cluster.store()
            try await store.change(put("k", "saved"))
            let backup = try await cluster.backUp()
            var last = Revision.zero
            for number in 1...5 { last = try await store.change(put("k", "lost \(number)")) }
            var watch = store.watch(.prefix("k"), from: last).makeAsyncIterator()
            #expect(try await watch.next()?.revision == last)
            try await cluster.restore(backup)
            let end = await failure { _ = try await watch.next() }
            #expect(end?.code == .compacted, "\(String(describing: end))")
            #expect(try await store.list("k") == ["k=saved"])
            await store.close()
        }
    }

    @Test(arguments: EtcdProgram.allCases)
    func `a stopped member is left within the time of one request`(_ program: EtcdProgram) async throws {
        try await EtcdCluster.with(program, size: 3) { cluster in
            let leader = try #require(try await cluster.leader())
            let follower = (leader + 1) % 3
            let store = try cluster.store(order: [follower, leader])
            let lease = try await store.grantLease(.ttl(.seconds(10)))
            let start = try await store.change(put("k", "1", lease: lease))
            var watch = store.watch(.prefix("k"), from: start).makeAsyncIterator()
            _ = try await watch.next()
            cluster.members[follower].pause()
            let begin = ContinuousClock.now
            try await store.keepAlive(lease)
            #expect(ContinuousClock.now - begin < .seconds(4), "on the way, it found out and went elsewhere")
            let revision = try await store.change(put("k", "2"))
            #expect(try await watch.next()?.revision == revision, "the watch went along")
            cluster.members[follower].resume()
            await store.close()
        }
    }
}
