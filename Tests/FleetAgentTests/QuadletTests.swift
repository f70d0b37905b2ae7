import FleetModel
import Testing
import UnitFile

@testable import FleetAgent

/// Units from Quadlet files: what they were made from is a part of what is installed.
@Suite struct QuadletTests {
    let web: UnitName = "web.service"

    private func bundle(_ network: String) throws -> QuadletBundle {
        let companions = [try QuadletName("app.network"): ContentHash(of: network)]
        return QuadletBundle(source: try QuadletName("web.container"), companions: companions)
    }

    private func assignment(_ bundle: QuadletBundle, generation: Generation = 1) -> Assignment {
        var assignment = Assignment.launched(generation: generation)
        assignment.quadlet = bundle
        return assignment
    }

    private func observation(_ of: UnitObservation, _ bundle: QuadletBundle) -> UnitObservation {
        var observation = of
        observation.quadlet = bundle
        return observation
    }

    @Test func theBundleIsInstalledWithTheFile() throws {
        var bench = Bench.ready()
        let old = try bundle("old")
        #expect(bench.assign(web, assignment(old)) == ["perform install web.service"])
        let flight = try #require(bench.flights[web])
        guard case .install(let installations) = flight.operation else {
            Issue.record("\(flight)")
            return
        }
        #expect(installations.map(\.quadlet) == [old])
        #expect(installations.first?.files.count == 2)
        #expect(bench.end(web, as: observation(.dead(), old)) == ["perform start web.service"])
    }

    @Test func aNewTextBesideTheFileIsAnotherFile() throws {
        var bench = Bench.ready()
        let (old, new) = (try bundle("old"), try bundle("new"))
        _ = bench.assign(web, assignment(old))
        _ = bench.end(web, as: observation(.dead(), old))
        _ = bench.end(web, as: observation(.running(), old))
        #expect(bench.assign(web, assignment(new, generation: 2)) == ["perform stop web.service"])
        #expect(bench.end(web, as: observation(.dead(), old)).last == "perform install web.service")
        #expect(bench.end(web, as: observation(.dead(), new)) == ["perform start web.service"])
    }

    /// The same bytes installed as a unit file of systemd's are not what is wanted.
    @Test func aUnitFileOfTheSameTextIsNotIt() throws {
        var bench = Bench.ready()
        _ = bench.assign(web, assignment(try bundle("old")))
        #expect(bench.end(web, as: .dead()).contains("perform start web.service") == false)
    }

    // MARK: Units that others need

    private func inUse(_ observation: UnitObservation) -> UnitObservation {
        var observation = observation
        observation.isInUse = true
        return observation
    }

    private func launchedNetwork() -> Bench {
        var bench = Bench.ready()
        _ = bench.assign("app-network.service", .launched())
        _ = bench.end("app-network.service", as: .dead())
        _ = bench.end("app-network.service", as: inUse(.running()))
        return bench
    }

    /// systemd would stop with it those that need it, and they would look as if somebody had stopped them.
    @Test func whatOthersUseIsTakenAwayWithoutAStop() {
        var bench = launchedNetwork()
        #expect(bench.assign("app-network.service", nil) == ["perform remove app-network.service"])
        let lines = bench.end("app-network.service", as: nil)
        #expect(lines.contains("publish app-network.service gone"), "\(lines)")
    }

    @Test func whatNobodyUsesIsStopped() {
        var bench = launchedNetwork()
        _ = bench.step(.observed("app-network.service", .running()))
        #expect(bench.assign("app-network.service", nil) == ["perform stop app-network.service"])
    }

    @Test func aStopWaitsForThoseThatUseIt() {
        var bench = launchedNetwork()
        #expect(!bench.assign("app-network.service", .loaded(generation: 2)).contains { $0.hasPrefix("perform") })
        let lines = bench.step(.observed("app-network.service", .running()))
        #expect(lines == ["perform stop app-network.service"])
    }

    /// Others have started it; that it is loaded too changes nothing for them.
    @Test func loadingWhatOthersHaveStartedStopsNothing() {
        var bench = Bench.ready()
        _ = bench.assign("app-network.service", .loaded())
        let lines = bench.end("app-network.service", as: inUse(.running()))
        #expect(!lines.contains { $0.hasPrefix("perform") }, "\(lines)")
        #expect(
            lines.contains { $0.hasPrefix("publish app-network.service active/running") && $0.hasSuffix("settled") }
        )
    }

    /// Its lock is given up next, so nothing of it may go on.
    @Test func anAtMostOnceUnitIsStoppedWhoeverUsesIt() {
        var track = UnitTrack(unit: "app-network.service")
        track.observed = inUse(.running())
        #expect(track.nextStep(.current, now: Bench.start) == .perform(.remove("app-network.service")))
        track.observed?.isAllowed = true
        #expect(track.nextStep(.current, now: Bench.start) == .perform(.stop("app-network.service")))
    }
}
