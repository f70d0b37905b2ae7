import FleetAgent
import FleetModel
import FleetRegistry
import FleetRuntime
import MemoryStore
import Synchronization
import Testing
import UnitFile

@Suite struct AgentServiceTests {
    let web: UnitName = "web.service"
    let db: UnitName = "db.service"

    @Test func wholeLifeOfAUnit() async throws {
        let bench = try AgentBench()
        try await bench.run { bench in
            await bench.assign([web])
            try await bench.settled(web)
            #expect(bench.units.state.withLock { $0.installed.values.first } == "[Service]\nExecStart=/bin/true\n")
            await bench.unassign(web)
            try await eventually("status gone") { try bench.status(web) == nil }
            #expect(bench.ledger.values().isEmpty)
            #expect(bench.units.performed.map(\.units) == [[web], [web], [web], [web]])
            #expect(try bench.events(web).map(\.kind) == [.started, .stopped])
        }
    }

    @Test func assignmentsOfOneTransactionAreInstalledTogether() async throws {
        let bench = try AgentBench()
        try await bench.run { bench in
            // Seen by the watch, not by the list.
            await bench.assign([db])
            try await bench.settled(db)
            let instances = try (1...100).map { try UnitName("web@\($0).service") }
            await bench.assign(instances)
            for instance in instances { try await bench.settled(instance) }
            let installs = bench.units.performed.filter { if case .install = $0 { true } else { false } }
            #expect(installs.count == 2)
            // A hundred statuses and as many events in a handful of transactions, none too large.
            #expect(bench.store.commits.withLock { $0 } < 25)
            #expect(bench.store.largest.withLock { $0 } <= Limits.operationsPerTransaction)
        }
    }

    @Test func containersWithTheirImagesAreInstalledTogether() async throws {
        let bench = try AgentBench()
        bench.puller.state.withLock { $0.names = ["quay.io/web:1"] }
        try await bench.run { bench in
            await bench.assign([db])
            try await bench.settled(db)
            let instances = try (1...100).map { try UnitName("web@\($0).service") }
            await bench.assign(instances, image: ImagePull(name: "quay.io/web:1"))
            for instance in instances { try await bench.settled(instance) }
            let installs = bench.units.performed.filter { if case .install = $0 { true } else { false } }
            #expect(installs.count == 2)
        }
    }

    @Test func checksAreMadeAndTold() async throws {
        let bench = try AgentBench()
        bench.prober.state.withLock { $0.answer = .unhealthy(output: "no db\n") }
        var check = HealthCheck(probe: .command("x"))
        (check.interval, check.retries) = (.seconds(1), 1)
        try await bench.run { [check] bench in
            await bench.assign([web], health: check)
            try await eventually("a first word") { try bench.status(web)?.health?.output == "no db" }
            #expect(try bench.status(web)?.health?.state == .starting)
            bench.clock.manual.advance(by: .seconds(2))
            try await eventually("its failure") {
                bench.clock.manual.advance(by: .seconds(1))
                return try bench.status(web)?.failure?.cause == .unhealthy
            }
            #expect(try bench.status(web)?.failure?.message == "health check failed: no db")
            #expect(bench.units.performed.last == .stop(web))
        }
    }

    @Test func anImageIsPulledFirstAndWrittenDown() async throws {
        let bench = try AgentBench()
        func written() throws -> [String] {
            let key = RegistryKey.images(bench.machine).key(in: bench.keyspace)
            guard let entry = bench.store.inner.entries.first(where: { $0.key == key }) else { return [] }
            return try RegistryValue.decode(ImageInventory.self, from: entry.value).names
        }
        bench.puller.state.withLock { $0.names = ["docker.io/library/old:1"] }
        try await bench.run { bench in
            try await eventually("what is there is told") { try written() == ["docker.io/library/old:1"] }
            await bench.assign([web], image: ImagePull(name: "quay.io/new:1"))
            try await eventually("it is told") { try bench.status(web)?.pull?.note == "Copying blob" }
            #expect(bench.units.performed.isEmpty)
            try await eventually("it waits") { bench.puller.end("quay.io/new:1", .pulled(after: .seconds(3))) }
            try await bench.settled(web)
            #expect(try bench.events(web).map(\.kind) == [.pulled, .started])
            try await eventually("the new one is told") {
                bench.clock.manual.advance(by: .seconds(10))
                return try written() == ["docker.io/library/old:1", "quay.io/new:1"]
            }
        }
    }

    @Test func aPullThatNobodyWantsIsEnded() async throws {
        let bench = try AgentBench()
        try await bench.run { bench in
            await bench.assign([web], image: ImagePull(name: "quay.io/new:1"))
            try await eventually("it is under way") { bench.puller.state.withLock { $0.waiting.count } == 1 }
            await bench.unassign(web)
            try await eventually("it has ended") { bench.puller.state.withLock { $0.waiting.isEmpty } }
            try await eventually("nothing is left") { try bench.status(web) == nil }
        }
    }

    @Test func aUnitThatHangsKeepsNobodyWaiting() async throws {
        let bench = try AgentBench()
        try await bench.run { bench in
            await bench.assign([web])
            try await bench.settled(web)
            bench.units.state.withLock { _ = $0.held.insert(web) }
            await bench.unassign(web)
            await bench.assign([db])
            try await bench.settled(db)
            #expect(try bench.status(web) != nil)
            bench.units.letGo(web)
            try await eventually("web removed") { try bench.status(web) == nil }
        }
    }

    @Test func endingDoesNotWaitForAUnitThatHangs() async throws {
        let bench = try AgentBench()
        bench.units.state.withLock { _ = $0.held.insert(web) }
        try await bench.run { bench in
            await bench.assign([web])
            try await eventually("asked") { bench.units.performed.count == 1 }
        }
        bench.units.letGo(web)
    }

    @Test func failureIsToldWithItsJournalAndAnsweredByANewAttempt() async throws {
        let bench = try AgentBench()
        bench.units.state.withLock { _ = $0.failing.insert(web) }
        try await bench.run { bench in
            await bench.assign([web])
            try await bench.settled(web, "failed")
            let failure = try bench.status(web)?.failure
            #expect(failure?.message == "main process exited with status 3")
            let event = try #require(bench.events(web).last { $0.kind == .failed })
            #expect(event.journal == ["web.service [i1] said this"])
            bench.units.state.withLock { _ = $0.failing.remove(web) }
            await bench.assign([web], attempt: 1)
            try await bench.settled(web)
            #expect(try bench.status(web)?.failure == nil)
        }
    }

    @Test func restartedServiceTouchesNothing() async throws {
        let ledger = MemoryLedger()
        let first = try AgentBench(ledger: ledger)
        try await first.run { bench in
            await bench.assign([web])
            try await bench.settled(web)
        }
        let second = try AgentBench(ledger: ledger)
        let running = first.units.state.withLock { $0.units }
        second.units.state.withLock { $0.units = running }
        await second.assign([web])
        try await second.run { bench in
            try await bench.settled(web)
            #expect(bench.units.performed == [])
        }
    }

    @Test func lostRegistryStopsNothingAndIsReadAgain() async throws {
        let bench = try AgentBench()
        try await bench.run { bench in
            await bench.assign([web])
            try await bench.settled(web)
            bench.store.isCut.withLock { $0 = true }
            bench.store.inner.endWatches(StoreError(.unavailable, "cut off"))
            try await eventually("a try later") { bench.clock.manual.sleepers > 0 }
            // Behind the cut the unit is unassigned, and something happens here that cannot be written.
            await bench.unassign(web)
            bench.units.show(web) { $0.mainPID = 7 }
            try await eventually("both wait") { bench.clock.manual.sleepers > 1 }
            #expect(bench.units.performed.count == 2)
            bench.store.isCut.withLock { $0 = false }
            bench.clock.manual.advance(by: .seconds(10))
            try await eventually("web removed") { try bench.status(web) == nil }
        }
    }

    @Test func compactedWatchListsAgain() async throws {
        let bench = try AgentBench()
        try await bench.run { bench in
            await bench.assign([web])
            try await bench.settled(web)
            bench.store.inner.compactUnderWatches()
            await bench.assign([db])
            try await bench.settled(db)
        }
    }

    @Test func newLeaseGetsEverythingAgain() async throws {
        let bench = try AgentBench()
        try await bench.run { bench in
            await bench.assign([web, db])
            try await bench.settled(web)
            try await bench.settled(db)
            let entry = bench.store.inner.entries.first { $0.key == statusKey(web, bench) }
            try await bench.store.revoke(try #require(entry?.lease))
            #expect(try bench.status(web) == nil)
            // News without a lease waits for the next one.
            bench.units.show(web) { $0.mainPID = 7 }
            try await bench.lease()
            try await eventually("statuses again") {
                try bench.status(web)?.mainPID == 7 && bench.status(db)?.active == "active"
            }
        }
    }

    @Test(arguments: [true, false])
    func unknownOutcomeIsWrittenAgain(isApplied: Bool) async throws {
        let bench = try AgentBench()
        try await bench.run { bench in
            await bench.assign([web])
            try await bench.settled(web)
            bench.store.inner.failNextCommit(.unknown(isApplied: isApplied))
            bench.units.show(web) { $0.mainPID = 7 }
            try await eventually("a try later") { bench.clock.manual.sleepers > 0 }
            bench.clock.manual.advance(by: .seconds(1))
            try await eventually("written") { try bench.status(web)?.mainPID == 7 }
            #expect(try bench.events(web).count == 1)
        }
    }

    @Test func missingFileFailsItsUnitOnly() async throws {
        let bench = try AgentBench()
        try await bench.run { bench in
            await bench.assign([web], text: "nowhere", withFile: false)
            await bench.assign([db])
            try await bench.settled(db)
            try await bench.settled(web, "inactive")
            #expect(try bench.status(web)?.failure?.cause == .badUnit)
        }
    }

    /// systemd was executed anew while the text of a file was on its way: the install that was asked for before is not
    /// done after the one that was asked for since.
    @Test func aTextThatComesAfterAReconnectionIsNotInstalled() async throws {
        let bench = try AgentBench()
        try await bench.run { bench in
            await bench.assign([db])
            try await bench.settled(db)
            bench.store.holdReads()
            defer { bench.store.letReadsGo() }
            await bench.assign([web], text: "[Service]\nExecStart=/bin/sleep 1\n")
            // One for the start, one for what is kept on disk.
            try await eventually("asked for") { bench.store.readsHeld == 2 }
            bench.units.send.yield(.disconnected("executed anew"))
            bench.units.connect()
            try await eventually("asked for again") { bench.store.readsHeld == 3 }
            bench.store.letReadsGo()
            try await bench.settled(web)
            let installs = bench.units.performed.filter { operation in
                if case .install = operation { operation.units == [web] } else { false }
            }
            #expect(installs.count == 1)
        }
    }

    @Test func unreadableAssignmentLeavesItsUnitAlone() async throws {
        let bench = try AgentBench()
        try await bench.run { bench in
            await bench.assign([web])
            try await bench.settled(web)
            let key = RegistryKey.assignment(bench.machine, web).key(in: bench.keyspace)
            await bench.commit([.put(key, Array(#"{"v":2}"#.utf8), lease: nil)])
            await bench.assign([db])
            try await bench.settled(db)
            bench.store.inner.compactUnderWatches()
            await bench.assign([db], generation: 2)
            try await eventually("listed again") { try bench.status(db)?.run?.generation == 2 }
            #expect(bench.units.performed.count == 4)
            #expect(try bench.status(web)?.active == "active")
        }
    }

    @Test func newerFormatIsNotActedOn() async throws {
        let bench = try AgentBench()
        let format = RegistryFormat(minimumReader: RegistryValue.version + 1, writer: "9.0")
        await bench.commit([.put(RegistryKey.format.key(in: .standard), RegistryValue.encode(format), lease: nil)])
        await bench.assign([web])
        try await bench.run(declaresFormat: false) { bench in
            try await eventually("a try later") { bench.clock.manual.sleepers > 0 }
            #expect(bench.units.performed == [])
        }
    }

    @Test func aRetryWaitsForItsTime() async throws {
        let bench = try AgentBench()
        try await bench.run { bench in
            bench.store.isCut.withLock { $0 = false }
            await bench.assign([db])
            try await bench.settled(db)
            bench.store.isCut.withLock { $0 = true }
            await bench.assign([web], text: "[Service]\nExecStart=/bin/false\n")
            try await eventually("waits") { bench.clock.manual.sleepers > 0 }
            bench.store.isCut.withLock { $0 = false }
            #expect(bench.units.performed.count == 2)
            bench.clock.manual.advance(by: .seconds(2))
            try await bench.settled(web)
        }
    }

    @Test func eventsMakeRoomForNewOnes() async throws {
        let bench = try AgentBench()
        try await bench.run { bench in
            await bench.assign([web])
            try await bench.settled(web)
            for _ in 0..<Limits.eventsPerUnit {
                bench.units.show(web) { $0.activeState = "inactive" }
                try await bench.settled(web, "inactive")
                bench.units.show(web) { $0.activeState = "active" }
                try await bench.settled(web)
            }
            #expect(try bench.events(web).count == Limits.eventsPerUnit)
            #expect(try bench.events(web).last?.message.hasPrefix("started outside fleet") == true)
        }
    }

    @Test func idleCostsNothing() async throws {
        let bench = try AgentBench()
        try await bench.run { bench in
            await bench.assign([web])
            try await bench.settled(web)
            let commits = bench.store.commits.withLock { $0 }
            #expect(bench.clock.manual.sleepers == 0)
            bench.clock.manual.advance(by: .seconds(3600))
            // The same observation again is no news.
            bench.units.show(web) { _ in }
            bench.units.show(web) { $0.mainPID = 9 }
            try await eventually("written") { try bench.status(web)?.mainPID == 9 }
            #expect(bench.store.commits.withLock { $0 } == commits + 1)
        }
    }

    private func statusKey(_ unit: UnitName, _ bench: AgentBench) -> Key {
        RegistryKey.status(bench.machine, unit).key(in: bench.keyspace)
    }
}
