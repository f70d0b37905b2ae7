import FleetModel
import Testing
import UnitFile

@testable import FleetAgent

/// `RestartOnChange=reload`: the same run goes on with other configs.
@Suite struct ReloadTests {
    let web: UnitName = "web.service"

    private func asks(_ reload: Generation, generation: Generation = 1) -> Assignment {
        var assignment = Assignment.launched(generation: generation)
        assignment.credentials = ["app.conf", "db"].compactMap { CredentialName($0) }.map {
            Credential(kind: .config, name: $0)
        }
        assignment.credentials?.append(Credential(kind: .secret, name: .registryAuth, id: .registryAuth))
        assignment.reload = reload
        return assignment
    }

    private func up() -> Bench {
        var bench = Bench.ready()
        bench.run(web, asks(5))
        return bench
    }

    @Test func whatRunsIsReloadedOnce() {
        var bench = up()
        #expect(bench.assign(web, asks(5)) == [])
        #expect(bench.assign(web, asks(7)) == ["perform reload [app.conf db] of web.service"])
        #expect(
            bench.end(web, as: .running()) == [
                "remember web.service 1.0 launched reload 7",
                "event web.service reloaded: reloaded, with its configs and secrets as they are now",
            ]
        )
        #expect(bench.step(.wake, after: .seconds(60)) == [])
        bench.restart()
        _ = bench.step(.connected([web: .running()]))
        #expect(!bench.step(.listed(assignments: [web: asks(7)], refusals: [:])).contains { $0.hasPrefix("perform") })
        // Set anew while a reload is under way.
        _ = bench.assign(web, asks(8))
        #expect(bench.assign(web, asks(9)) == [])
        #expect(bench.end(web, as: .running()).last == "perform reload [app.conf db] of web.service")
        #expect(bench.end(web, as: .running()).first == "remember web.service 1.0 launched reload 9")
    }

    @Test func aStartBringsTheNewestAnyway() {
        var bench = up()
        #expect(bench.step(.observed(web, .dead(fileA, "i1"))).contains { $0.hasPrefix("event") })
        #expect(bench.assign(web, asks(7)) == ["remember web.service 1.0 launched reload 7"])
        bench = up()
        var assignment = asks(7, generation: 2)
        assignment.restart = 2
        #expect(bench.assign(web, assignment) == ["perform restart web.service"])
        _ = bench.end(web, as: .running(fileA, "i2"))
        #expect(bench.ledger[web]?.carriedOut?.generation == 2 && bench.ledger[web]?.reload == 7)
    }

    @Test func whatWasFoundRunningMayHaveOldOnes() {
        var bench = Bench()
        _ = bench.step(.connected([web: .running()]))
        let lines = bench.step(.listed(assignments: [web: asks(5)], refusals: [:]))
        #expect(lines.last == "perform reload [app.conf db] of web.service", "\(lines)")
        #expect(bench.ledger[web]?.carriedOut != nil && bench.ledger[web]?.reload == nil)
    }

    @Test func aReloadWaitsForWhatSystemdDoesAndForTheRegistry() {
        var bench = up()
        _ = bench.step(.observed(web, .state("active", "running") { ($0.invocation, $0.hasJob) = ("i1", true) }))
        #expect(bench.assign(web, asks(7)) == [])
        _ = bench.step(.registryLost)
        #expect(bench.step(.observed(web, .running())).filter { $0.hasPrefix("perform") } == [])
        let lines = bench.step(.listed(assignments: [web: asks(7)], refusals: [:]))
        #expect(lines == ["perform reload [app.conf db] of web.service"])
    }

    @Test func whatTheUnitDoesNotTakeIsToldAndLeft() {
        var bench = up()
        _ = bench.assign(web, asks(7))
        let failure = OperationFailure(kind: .job(result: "failed"), message: "ExecReload= failed")
        #expect(
            bench.end(web, .failed(failure), as: .running()) == [
                "remember web.service 1.0 launched reload 7",
                "event web.service failed: could not be reloaded, and goes on as it is: ExecReload= failed",
            ]
        )
        #expect(bench.step(.wake, after: .seconds(60)) == [])
    }

    @Test func whatCannotBeHadIsTriedAgain() {
        var bench = up()
        _ = bench.assign(web, asks(7))
        let failure = OperationFailure(kind: .credentials, message: "no key")
        #expect(
            bench.end(web, .failed(failure), as: .running()) == [
                "publish web.service active/running 1.0",
                "event web.service failed: could not be reloaded, trying again: no key", "wake in 1000 ms",
            ]
        )
        #expect(bench.step(.wake, after: .seconds(1)) == ["perform reload [app.conf db] of web.service"])
        #expect(bench.end(web, .unknown, as: .running()) == ["wake in 2000 ms"])
        #expect(bench.step(.wake, after: .seconds(2)) == ["perform reload [app.conf db] of web.service"])
        // Gone while it was reloaded: whoever starts it again gives it the newest.
        let lines = bench.end(web, .failed(failure), as: .dead(fileA, "i1"))
        #expect(lines.contains("remember web.service 1.0 launched reload 7"))
    }
}
