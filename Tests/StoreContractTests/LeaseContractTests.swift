import FleetModel
import FleetRegistry
import FleetRuntime
import Testing

@Suite(.timeLimit(.minutes(5)))
struct LeaseContractTests {
    @Test(arguments: StoreKind.allCases)
    func `an unknown lease refuses the whole transaction`(_ kind: StoreKind) async throws {
        try await StoreFixture.with(kind) { fixture async throws in
            let store = fixture.store
            let outcome = await store.commit(put("a", "1"), put("b", "1", lease: LeaseID(77)))
            #expect(outcome.refusal == .leaseNotFound)
            #expect(try await store.list() == [])
            #expect(try await store.newest() == .zero)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `revoking deletes the lease's keys in one revision`(_ kind: StoreKind) async throws {
        try await StoreFixture.with(kind) { fixture async throws in
            let store = fixture.store
            let (one, other) = (try await store.grantLease(fixture.life), try await store.grantLease(.ttl(.seconds(9))))
            #expect(one != other && one != LeaseID(0))
            try await store.change(put("c", "", lease: one), put("a", "", lease: one), put("b", "", lease: other))
            try await store.change(put("d", ""), put("e", "", lease: one))
            try await store.revoke(one)
            #expect(try await store.list() == ["b=", "d="])
            #expect(try await store.changes(from: Revision(3)) == ["3 -a", "3 -c", "3 -e"])
            #expect(await errorCode { try await store.revoke(one) } == .leaseNotFound)
            #expect(await errorCode { try await store.keepAlive(one) } == .leaseNotFound)
            #expect(await store.commit(put("f", "", lease: one)).refusal == .leaseNotFound)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `a lease without keys ends without a revision`(_ kind: StoreKind) async throws {
        try await StoreFixture.with(kind) { fixture async throws in
            try await fixture.store.revoke(try await fixture.store.grantLease(fixture.life))
            #expect(try await fixture.store.newest() == .zero)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `a put says which lease a key is on`(_ kind: StoreKind) async throws {
        try await StoreFixture.with(kind) { fixture async throws in
            let store = fixture.store
            let (one, other) = (try await store.grantLease(fixture.life), try await store.grantLease(fixture.life))
            for key in ["freed", "moved", "kept"] { try await store.change(put(key, "1", lease: one)) }
            try await store.change(put("freed", "2"), put("moved", "2", lease: other), put("kept", "2", lease: one))
            #expect(try await store.entry("moved")?.lease == other)
            #expect(try await store.entry("freed")?.lease == nil)
            try await store.revoke(one)
            #expect(try await store.list() == ["freed=2", "moved=2"])
            try await store.revoke(other)
            #expect(try await store.list() == ["freed=2"])
        }
    }

    @Test(arguments: StoreKind.embedded)
    func `a lease ends when its time is over`(_ kind: StoreKind) async throws {
        try await StoreFixture.with(kind) { fixture async throws in
            let store = fixture.store
            let short = try await store.grantLease(.ttl(.seconds(2)))
            let long = try await store.grantLease(.ttl(.seconds(10)))
            let forever = try await store.grantLease(.whileOpen)
            try await store.change(
                put("a", "", lease: short),
                put("b", "", lease: short),
                put("c", "", lease: long),
                put("d", "", lease: forever)
            )
            var reader = WatchReader(store.watch(.prefix(""), from: Revision(2)))
            fixture.advance(.milliseconds(1999))
            try await store.keepAlive(long)
            #expect(try await store.list().count == 4)
            fixture.advance(.milliseconds(1))
            #expect(await errorCode { try await store.keepAlive(short) } == .leaseNotFound)
            #expect(await store.commit(put("x", "", lease: short)).refusal == .leaseNotFound)
            #expect(try await reader.lines(2) == ["2 -a", "2 -b"])
            fixture.advance(.seconds(9))
            try await store.keepAlive(long)
            fixture.advance(.seconds(10))
            #expect(try await reader.lines(1) == ["3 -c"])
            fixture.advance(.seconds(100_000))
            #expect(try await store.list() == ["d="], "a lease that lasts while the store is open has no time")
            try await store.keepAlive(forever)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `a lease says how much of its time it has left`(_ kind: StoreKind) async throws {
        try await StoreFixture.with(kind) { fixture async throws in
            let store = fixture.store
            let lease = try await store.grantLease(.ttl(.seconds(20)))
            let time = try #require(try await store.time(of: lease))
            #expect(time.whole == .seconds(20))
            #expect(time.left > .seconds(15) && time.left <= .seconds(20))
            #expect(!time.isOverdue)
            try await store.revoke(lease)
            #expect(await errorCode { _ = try await store.time(of: lease) } == .leaseNotFound)
        }
    }

    @Test(arguments: StoreKind.embedded)
    func `a lease that is not renewed is overdue before it ends`(_ kind: StoreKind) async throws {
        try await StoreFixture.with(kind) { fixture async throws in
            let store = fixture.store
            let lease = try await store.grantLease(.ttl(.seconds(9)))
            let forever = try await store.grantLease(.whileOpen)
            fixture.advance(.seconds(3))
            #expect(try await store.time(of: lease) == LeaseTime(left: .seconds(6), whole: .seconds(9)))
            fixture.advance(.seconds(2))
            #expect(try await store.time(of: lease)?.isOverdue == true)
            try await store.keepAlive(lease)
            #expect(try await store.time(of: lease)?.left == .seconds(9))
            fixture.advance(.seconds(9))
            #expect(await errorCode { _ = try await store.time(of: lease) } == .leaseNotFound)
            #expect(try await store.time(of: forever) == nil)
        }
    }

    @Test(arguments: StoreKind.embedded)
    func `keeping alive starts the time again`(_ kind: StoreKind) async throws {
        try await StoreFixture.with(kind) { fixture async throws in
            let store = fixture.store
            let lease = try await store.grantLease(.ttl(.seconds(3)))
            try await store.change(put("a", "", lease: lease))
            for _ in 1...10 {
                fixture.advance(.seconds(2))
                try await store.keepAlive(lease)
            }
            #expect(try await store.list() == ["a="])
            #expect(try await store.newest() == Revision(1), "a lease that is kept alive writes nothing")
            var reader = WatchReader(store.watch(.prefix(""), from: Revision(2)))
            fixture.advance(.seconds(3))
            #expect(try await reader.lines(1) == ["2 -a"])
        }
    }

    @Test(arguments: StoreKind.embedded)
    func `leases end in the order of their deadlines, each in a revision`(_ kind: StoreKind) async throws {
        try await StoreFixture.with(kind) { fixture async throws in
            let store = fixture.store
            for (key, seconds) in [("a", 3), ("b", 1), ("c", 2)] {
                let lease = try await store.grantLease(.ttl(.seconds(seconds)))
                try await store.change(put(key, "", lease: lease))
            }
            var reader = WatchReader(store.watch(.prefix(""), from: Revision(4)))
            fixture.advance(.seconds(5))
            #expect(try await reader.lines(3) == ["4 -b", "5 -c", "6 -a"])
        }
    }

    @Test(arguments: StoreKind.embedded)
    func `the leases of an earlier process have ended, in one revision`(_ kind: StoreKind) async throws {
        try await StoreFixture.with(kind) { fixture async throws in
            let store = fixture.store
            let (one, other) = (try await store.grantLease(.whileOpen), try await store.grantLease(.ttl(.seconds(60))))
            try await store.change(put("a", "", lease: one), put("b", "", lease: other), put("c", ""))
            let again = try await fixture.reopen()
            #expect(try await again.store.list() == ["c="])
            #expect(try await again.store.changes(from: Revision(2)) == ["2 -a", "2 -b"])
            let new = try await again.store.grantLease(.whileOpen)
            #expect(new != one && new != other)
            for lease in [one, other] {
                #expect(await errorCode { try await again.store.keepAlive(lease) } == .leaseNotFound)
            }
            let third = try await again.reopen()
            #expect(try await third.store.newest() == Revision(3), "nothing to delete, no revision")
            await third.store.close()
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `a lease needs a length`(_ kind: StoreKind) async throws {
        try await StoreFixture.with(kind) { fixture async throws in
            for length in [Duration.zero, .seconds(-1)] {
                #expect(await errorCode { _ = try await fixture.store.grantLease(.ttl(length)) } == .invalid)
            }
        }
    }

    @Test(arguments: StoreKind.etcd)
    func `a lease of etcd's ends by its time, not by the process`(_ kind: StoreKind) async throws {
        try await StoreFixture.with(kind) { fixture async throws in
            let store = fixture.store
            #expect(await errorCode { _ = try await store.grantLease(.whileOpen) } == .invalid)
            let (short, long) = (
                try await store.grantLease(.ttl(.seconds(1))), try await store.grantLease(fixture.life)
            )
            try await store.change(put("a", "", lease: short), put("b", "", lease: short), put("c", "", lease: long))
            let again = try await fixture.reopen()
            var reader = WatchReader(again.store.watch(.prefix(""), from: Revision(2)))
            #expect(try await reader.lines(2) == ["2 -a", "2 -b"])
            #expect(await errorCode { try await again.store.keepAlive(short) } == .leaseNotFound)
            try await again.store.keepAlive(long)
            #expect(try await again.store.list() == ["c="])
            await again.store.close()
        }
    }
}
