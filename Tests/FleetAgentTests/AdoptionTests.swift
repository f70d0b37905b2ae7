import FleetModel
import Testing
import UnitFile

@testable import FleetAgent

/// Restarts of fleetd, reconnections to systemd, a lost registry: what runs is left alone.
@Suite struct AdoptionTests {
    let web: UnitName = "web.service"

    @Test func restartedFleetdTouchesNothing() {
        var bench = Bench.ready()
        bench.run(web, .launched(restart: 1))
        bench.restart()
        #expect(bench.step(.connected([web: .running()])) == [])
        #expect(
            bench.step(.listed(assignments: [web: .launched(restart: 1)], refusals: [:])) == [
                "publish web.service active/running 1.0 settled"
            ]
        )
    }

    @Test(
        arguments: [
            // What the ledger knows, what systemd has; what is done.
            (nil, UnitObservation.running(), "remember web.service 1.0 launched restart 1"),
            (nil, .state("activating", "start"), "remember web.service 1.0 launched restart 1"),
            (nil, .dead(), "perform start web.service"),
            (nil, .failed(), "perform resetFailed web.service"),
            (nil, .running(fileB), "perform stop web.service"),
            (nil, nil, "perform install web.service"),
            (LedgerEntry(carriedOut: .first, target: .launched, restart: 1), .dead(), ""),
            (LedgerEntry(carriedOut: .first, target: .launched, restart: 1), .running(), ""),
            (LedgerEntry(carriedOut: .first, target: .launched, restart: 1), .failed(), "journal web.service 1.0 [i1]"),
            (LedgerEntry(carriedOut: .first, target: .launched, restart: 1), nil, "perform install web.service"),
            (LedgerEntry(carriedOut: .older, target: .launched, restart: 0), .running(), "perform restart web.service"),
            (LedgerEntry(carriedOut: .older, target: .launched, restart: 0), .dead(), "perform start web.service"),
            (
                LedgerEntry(carriedOut: .older, target: .launched, restart: 1), .running(),
                "remember web.service 1.0 launched restart 1"
            ),
            (
                LedgerEntry(carriedOut: .older, target: .loaded, restart: 0), .running(),
                "remember web.service 1.0 launched restart 1"
            ),
            (LedgerEntry(carriedOut: .older, target: .launched, restart: 0), .state("deactivating", "stop"), ""),
            (
                LedgerEntry(carriedOut: .older, target: .launched, restart: 0),
                .state("inactive", "dead") { $0.hasJob = true }, ""
            ),
            // The file went away under a running unit: it is written again, nothing is stopped.
            (
                LedgerEntry(carriedOut: .first, target: .launched, restart: 1), .running(nil),
                "perform install web.service"
            ),
        ] as [(LedgerEntry?, UnitObservation?, String)]
    )
    func adoption(ledger: LedgerEntry?, observation: UnitObservation?, expected: String) {
        var bench = Bench(ledger: ledger.map { [web: $0] } ?? [:])
        let assignment = Assignment.launched(restart: 1)
        _ = bench.step(.listed(assignments: [web: assignment], refusals: [:]))
        let lines = bench.step(.connected(observation.map { [web: $0] } ?? [:]))
        if expected.isEmpty {
            #expect(!lines.contains { $0.hasPrefix("perform") || $0.hasPrefix("remember") || $0.hasPrefix("journal") })
        } else {
            #expect(lines.contains(expected), "\(lines)")
        }
        #expect(lines.filter { $0.hasPrefix("perform") }.count <= 1)
    }

    @Test func bootStartsWhatShouldRun() {
        var bench = Bench()
        _ = bench.step(.listed(assignments: [web: .launched()], refusals: [:]))
        #expect(bench.step(.connected([:])) == ["perform install web.service"])
    }

    @Test func reexecutedSystemdCausesNoOperation() {
        var bench = Bench.ready()
        bench.run(web, .launched())
        #expect(bench.step(.disconnected) == [])
        #expect(bench.step(.connected([web: .running()])) == [])
    }

    @Test func operationInFlightIsDerivedAnewAfterReconnection() {
        var bench = Bench.ready()
        _ = bench.assign(web, .launched())
        _ = bench.step(.disconnected)
        // Too late: the operation ended with the connection.
        #expect(bench.step(.finished(1, [web: .done])) == [])
        bench.flights = [:]
        #expect(bench.step(.connected([web: .dead()])).last == "perform start web.service")
    }

    @Test(arguments: [
        // A start was in flight when the connection broke; what the next listing shows, and what follows.
        (UnitObservation.running(fileA, "new"), "remember web.service 2.0 launched"),
        (.dead(fileA, "new"), "remember web.service 2.0 launched"),
        (.failed(invocation: "new"), "remember web.service 2.0 launched failed 2.0"),
        (.dead(fileA, "old"), "perform start web.service"),
        (.dead(fileA, ""), "perform start web.service"),
        (.failed(invocation: "old"), "perform resetFailed web.service"),
    ])
    func lostStart(observation: UnitObservation, expected: String) {
        var bench = Bench.ready()
        bench.run(web, .launched(), invocation: "old")
        _ = bench.step(.observed(web, .dead(fileA, "old")))
        _ = bench.assign(web, .launched(generation: 2))
        _ = bench.step(.disconnected)
        bench.flights = [:]
        #expect(bench.step(.connected([web: observation])).contains(expected))
    }

    @Test func lostRestartIsNotDoneTwice() {
        var bench = Bench.ready()
        bench.run(web, .launched())
        _ = bench.assign(web, .launched(generation: 2, restart: 2))
        _ = bench.step(.disconnected)
        bench.flights = [:]
        let lines = bench.step(.connected([web: .running(fileA, "i2")]))
        #expect(lines.contains("remember web.service 2.0 launched restart 2"))
        #expect(!lines.contains { $0.hasPrefix("perform") })
    }

    @Test func lostRegistryStopsNothing() {
        var bench = Bench.ready()
        bench.run(web, .launched())
        #expect(bench.step(.registryLost) == [])
        #expect(bench.step(.disconnected) == [])
        #expect(
            bench.step(.connected([web: .running(), "old.service": .running()])) == [
                "publish old.service active/running -"
            ]
        )
        // It is known to be wanted and not there (systemd lost it, say): that may be mended.
        #expect(bench.step(.observed(web, nil)).last == "perform install web.service")
        bench.flights = [:]
        #expect(
            bench.step(.listed(assignments: [:], refusals: [:])).last == "perform stop old.service"
        )
    }

    @Test func restartAndReplacementWaitForTheRegistry() {
        var bench = Bench()
        let ledger = LedgerEntry(carriedOut: .older, target: .launched, restart: 0)
        bench = Bench(ledger: [web: ledger, "b.service": ledger])
        _ = bench.step(
            .listed(
                assignments: [web: .launched(generation: 1, restart: 1), "b.service": .launched(fileB)],
                refusals: [:]
            )
        )
        _ = bench.step(.registryLost)
        #expect(
            bench.step(.connected([web: .running(), "b.service": .running()])).filter { $0.hasPrefix("perform") } == []
        )
        #expect(
            bench.step(
                .listed(
                    assignments: [web: .launched(generation: 1, restart: 1), "b.service": .launched(fileB)],
                    refusals: [:]
                )
            ).filter { $0.hasPrefix("perform") } == ["perform stop b.service", "perform restart web.service"]
        )
    }

    @Test func crashBetweenRemovalAndStatusLeavesNoStatus() {
        var bench = Bench(ledger: [web: LedgerEntry(carriedOut: .first, target: .launched, restart: 0)])
        _ = bench.step(.connected([:]))
        #expect(
            bench.step(.listed(assignments: [:], refusals: [:])) == [
                "forget web.service", "publish web.service gone",
            ]
        )
    }
}

extension RunID {
    static let first = RunID(generation: 1, attempt: 0)
    static let older = RunID(generation: 0, attempt: 0)
}
