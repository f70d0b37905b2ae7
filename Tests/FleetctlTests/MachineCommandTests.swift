import FleetAPI
import FleetModel
import Testing
import UnitFile

@testable import fleetctl

/// Commands that order something of machines, against a fleetd that follows a script.
@Suite struct MachineCommandTests {
    private let web: UnitName

    init() throws { web = try UnitName("web.service") }

    @Test func cordon() async throws {
        let alpha = try Fixture.machine("1")
        let lines = [MachineProgress(kind: .stored, machine: alpha), MachineProgress(kind: .done)]
        let result = try await FakeFleetd.run(["cordon", "web1", "--reason=new disk"]) { _ in .lines(lines) }
        #expect(result.output == "Cordoned web1 (11111111.../10.0.0.1)\n")
        #expect(result.status == 0)
        #expect(result.requests.map(\.path) == ["/fleet/v2/machines/orders"])
        #expect(result.requests[0].body.contains(#""reason":"new disk""#))
    }

    @Test func drainShowsTheWay() async throws {
        let (alpha, beta) = (try Fixture.machine("1"), try Fixture.machine("2", ip: "", host: "web2"))
        let lines = [
            MachineProgress(kind: .stored, machine: alpha),
            MachineProgress(kind: .staying, machine: alpha, unit: web, message: "it is being started on 22222222"),
            MachineProgress(kind: .left, machine: alpha, unit: web, to: beta),
            MachineProgress(kind: .drained, machine: alpha), MachineProgress(kind: .done),
        ]
        let result = try await FakeFleetd.run(["drain", "1111", "--deadline", "5min"]) { _ in .lines(lines) }
        #expect(
            result.output == """
                Draining web1 (11111111.../10.0.0.1)
                Unit web.service left web1 (11111111.../10.0.0.1) for web2 (22222222...)
                Drained web1 (11111111.../10.0.0.1)

                """
        )
        #expect(
            result.errors
                == "Unit web.service is on web1 (11111111.../10.0.0.1) still: it is being started on 22222222\n"
        )
        #expect(result.requests[0].body.contains(#""deadline":300000"#))
        #expect(result.requests[0].body.contains(#""wait":true"#))
    }

    @Test func aDrainThatEndsEarly() async throws {
        let alpha = try Fixture.machine("1")
        let ended = [
            MachineProgress(kind: .stored, machine: alpha),
            MachineProgress(kind: .ended, machine: alpha, message: "the drain was ended meanwhile"),
            MachineProgress(kind: .done),
        ]
        let result = try await FakeFleetd.run(["drain", "web1"]) { _ in .lines(ended) }
        #expect(result.status == 1)
        let cut = try await FakeFleetd.run(["drain", "web1"]) { _ in .lines([ended[0]]) }
        #expect(cut.errors == "fleetctl: fleetd's answer ended early; the order is stored and goes on\n")
        #expect(cut.status == 1)
    }

    @Test func move() async throws {
        let beta = try Fixture.machine("2", ip: "", host: "web2")
        let lines = [
            ChangeProgress(kind: .stored, unit: web),
            ChangeProgress(kind: .arrived, unit: web, state: .launched, machine: beta), ChangeProgress(kind: .done),
        ]
        let result = try await FakeFleetd.run(["move", "web", "web2"]) { _ in .lines(lines) }
        #expect(result.output == "Unit web.service is on web2 (22222222...)\n")
        #expect(result.requests[0].body.contains(#""machine":"web2""#))
        #expect(result.status == 0)
    }

    @Test(arguments: [["cordon"], ["drain"], ["drain", "a", "--deadline", "soon"], ["move", "web"], ["uncordon"]])
    func usage(_ arguments: [String]) async {
        let result = await CommandResult.of(arguments, environment: ["FLEETCTL_ENDPOINT": "unix:///nonexistent/sock"])
        #expect(result.status == 2)
        #expect(result.errors.hasPrefix("fleetctl: "), "\(result.errors)")
    }

    @Test func aRefusal() async throws {
        let result = try await FakeFleetd.run(["cordon", "omega"]) { _ in .refusal(404, "no machine \"omega\" is known")
        }
        #expect(result.status == 1)
        #expect(result.errors == "fleetctl: no machine \"omega\" is known\n")
    }
}
