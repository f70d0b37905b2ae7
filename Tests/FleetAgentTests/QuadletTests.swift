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
}
