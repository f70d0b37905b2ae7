import FleetModel
import Testing
import UnitFile

@testable import FleetAgent

@Suite("What is said of a unit's volumes")
struct VolumeTests {
    let web: UnitName = "web.service"

    private func assignment(_ volumes: [VolumeName]?) -> Assignment {
        var assignment = Assignment.launched()
        assignment.volumes = volumes
        return assignment
    }

    private func failed(_ volumes: [VolumeName]?) -> UnitObservation {
        var observation = UnitObservation.failed()
        observation.volumes = volumes
        return observation
    }

    @Test func comesWithTheFailure() throws {
        let data = try VolumeName("data")
        for held in [[], [data]] {
            var bench = Bench.ready()
            bench.run(web, assignment([data]))
            #expect(bench.core.tracks[web]?.published?.volumes == nil)
            _ = bench.step(.observed(web, failed(held)))
            let status = try #require(bench.core.tracks[web]?.published)
            #expect(status.failure != nil)
            #expect(status.volumes == held)
        }
    }

    @Test func onlyOfWhatIsAskedFor() throws {
        var bench = Bench.ready()
        bench.run(web, assignment(nil))
        _ = bench.step(.observed(web, failed([try VolumeName("data")])))
        #expect(bench.core.tracks[web]?.published?.volumes == nil)
    }

    @Test func aUnitThatKeepsToVolumesFromNowOnRunsOn() throws {
        var bench = Bench.ready()
        bench.run(web, assignment(nil))
        #expect(bench.assign(web, assignment([try VolumeName("data")])).isEmpty)
    }
}
