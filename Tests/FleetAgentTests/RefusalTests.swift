import FleetModel
import Testing
import UnitFile

@testable import FleetAgent

/// Names that the machine has from elsewhere.
@Suite struct RefusalTests {
    let ssh: UnitName = "ssh.service"
    let reason = "ssh.service exists at /usr/lib/systemd/system/ssh.service, which is not fleet's"
    let taken = OperationResult.nameTaken(path: "/usr/lib/systemd/system/ssh.service")

    private func refusing() -> Bench {
        var bench = Bench.ready()
        _ = bench.assign(ssh, .launched())
        #expect(
            bench.end(ssh, taken, as: .running(nil)) == [
                "refuse ssh.service \(reason)", "event ssh.service refused: \(reason)",
            ]
        )
        return bench
    }

    @Test func refusedOnceWithoutStatus() {
        var bench = refusing()
        #expect(bench.step(.observed(ssh, .running(nil, "i2"))) == [])
        #expect(bench.step(.disconnected) == [])
    }

    @Test func stillTakenAfterAChangeOfFiles() {
        var bench = refusing()
        #expect(bench.step(.unitFilesChanged) == ["perform probe ssh.service"])
        #expect(bench.end(ssh, taken, as: .running(nil)) == [])
    }

    @Test func installedOnceTheNameIsFree() {
        var bench = refusing()
        _ = bench.step(.unitFilesChanged)
        #expect(bench.end(ssh, .done, as: nil) == ["refuse ssh.service no more", "perform install ssh.service"])
    }

    @Test func refusalOutlivesTheAssignmentUntilTheNameIsFree() {
        var bench = refusing()
        #expect(bench.assign(ssh, nil) == [])
        #expect(bench.step(.unitFilesChanged) == ["perform probe ssh.service"])
        #expect(bench.end(ssh, .done, as: nil) == ["refuse ssh.service no more"])
        #expect(bench.core.tracks.isEmpty)
    }

    @Test func refusalsOfAnEarlierFleetdAreLookedAtTogether() {
        var bench = Bench()
        _ = bench.step(.connected([:]))
        let refusal = Refusal(reason: reason, at: Bench.start)
        #expect(
            bench.step(.listed(assignments: [:], refusals: [ssh: refusal, "cron.service": refusal])) == [
                "perform probe cron.service ssh.service"
            ]
        )
    }

    @Test func refusalThatTheRegistryLostIsWrittenAgain() {
        var bench = refusing()
        #expect(
            bench.step(.listed(assignments: [ssh: .launched()], refusals: [:])) == ["refuse ssh.service \(reason)"]
        )
    }

    @Test func assignedAgainLooksAgain() {
        var bench = refusing()
        _ = bench.assign(ssh, nil)
        #expect(bench.assign(ssh, .launched(generation: 2)) == ["perform probe ssh.service"])
    }

    @Test func nameTakenFromARunningUnitDropsItsStatus() {
        var bench = Bench.ready()
        bench.run(ssh, .launched())
        _ = bench.assign(ssh, .launched(fileB, generation: 2))
        _ = bench.end(ssh, as: .dead())
        #expect(
            bench.end(ssh, taken, as: .dead(nil)) == [
                "refuse ssh.service \(reason)", "publish ssh.service gone", "event ssh.service refused: \(reason)",
            ]
        )
    }
}
