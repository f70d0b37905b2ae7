import FleetAPI
import FleetModel
import Testing
import UnitFile

@testable import fleetctl

@Suite struct ChangeReportTests {
    /// One line of progress for web.service on machine 1.
    static func progress(
        _ kind: ChangeProgress.Kind,
        state: TargetState? = nil,
        onMachine: Bool = false,
        message: String? = nil
    ) throws -> ChangeProgress {
        ChangeProgress(
            kind: kind,
            unit: try UnitName("web.service"),
            state: state,
            machine: onMachine ? try Fixture.machine("1") : nil,
            message: message
        )
    }

    static func report(_ action: ChangeRequest.Action, wait: Bool = true) throws -> ChangeReport {
        let unit = UnitReference(name: try UnitName("web.service"))
        return ChangeReport(ChangeRequest(action: action, units: [unit], wait: wait))
    }

    @Test(arguments: [
        (ChangeRequest.Action.submit, TargetState?.some(.inactive), false, "Unit web.service inactive"),
        (.load, .loaded, true, "Unit web.service loaded on 11111111.../10.0.0.1"),
        (.start, .launched, true, "Unit web.service launched on 11111111.../10.0.0.1"),
        (.start, .launched, false, "Unit web.service launched"),
        (.restart, nil, true, "Unit web.service launched on 11111111.../10.0.0.1"),
        (.stop, .loaded, true, "Unit web.service loaded on 11111111.../10.0.0.1"),
        (.unload, .inactive, true, "Unit web.service inactive"),
        (.destroy, nil, false, "Destroyed web.service"),
    ])
    func arrival(_ action: ChangeRequest.Action, _ state: TargetState?, _ onMachine: Bool, _ text: String) throws {
        var report = try Self.report(action)
        #expect(report.take(try Self.progress(.stored)) == [])
        #expect(report.take(try Self.progress(.arrived, state: state, onMachine: onMachine)) == [.result(text)])
        #expect(report.isStored)
        #expect(report.open == [])
    }

    /// `stop app.network` while the registry has it as lan.service.
    @Test func aQuadletFileGoesByWhatItHasBecome() throws {
        let source = try QuadletName("app.network")
        let unit = UnitReference(name: source.standardService, source: source)
        let lan = try UnitName("lan.service")
        var report = ChangeReport(ChangeRequest(action: .stop, units: [unit], wait: true))
        #expect(report.take(ChangeProgress(kind: .stored, unit: lan, source: source)) == [])
        #expect(report.open == [lan])
        _ = report.take(ChangeProgress(kind: .arrived, unit: lan, state: .loaded))
        #expect(
            report.take(ChangeProgress(kind: .done)) == [.notice("Successfully stopped units [lan.service].")]
        )
        var quick = ChangeReport(ChangeRequest(action: .stop, units: [unit], wait: false))
        let said = quick.take(ChangeProgress(kind: .stored, unit: lan, source: source))
        #expect(said == [.result("Triggered unit lan.service stop")])
        #expect(quick.take(ChangeProgress(kind: .done)) == [])
    }

    @Test(arguments: [
        (ChangeRequest.Action.load, "Triggered unit web.service load"),
        (.start, "Triggered unit web.service start"),
        (.stop, "Triggered unit web.service stop"),
        (.unload, "Triggered unit web.service unload"),
        (.destroy, "Destroyed web.service"),
    ])
    func triggered(_ action: ChangeRequest.Action, _ text: String) throws {
        var report = try Self.report(action, wait: false)
        #expect(report.take(try Self.progress(.stored)) == [.result(text)])
        #expect(report.take(ChangeProgress(kind: .done)) == [])
        #expect(report.exitStatus == 0)
        // The same when fleetd confirms all units with one line.
        var other = try Self.report(action, wait: false)
        #expect(other.take(ChangeProgress(kind: .stored)) == [])
        #expect(other.take(ChangeProgress(kind: .done)) == [.result(text)])
    }

    @Test(arguments: [
        (ChangeRequest.Action.stop, ["Successfully stopped units [web.service]."]),
        (.unload, ["Successfully unloaded units [web.service]."]),
        (.start, []),
        (.destroy, []),
    ])
    func closingLine(_ action: ChangeRequest.Action, _ lines: [String]) throws {
        var report = try Self.report(action)
        #expect(report.take(ChangeProgress(kind: .done)) == lines.map { .notice($0) })
    }

    @Test func unchangedIsSilent() throws {
        for wait in [true, false] {
            var report = try Self.report(.start, wait: wait)
            #expect(report.take(try Self.progress(.unchanged)) == [])
            #expect(report.take(ChangeProgress(kind: .done)) == [])
            #expect(report.exitStatus == 0)
        }
        var report = try Self.report(.submit)
        let message = "Found same Unit(web.service) in Registry, nothing to do"
        #expect(report.take(try Self.progress(.unchanged, message: message)) == [.notice(message)])
    }

    @Test func anArrivalThatIsNoNewsIsSilent() throws {
        var submitted = try Self.report(.submit)
        #expect(submitted.take(try Self.progress(.unchanged)) == [])
        #expect(submitted.take(try Self.progress(.arrived, state: .launched)) == [])
        var reset = try Self.report(.resetFailed)
        #expect(reset.take(try Self.progress(.arrived, state: .inactive)) == [])
        #expect(
            reset.take(try Self.progress(.arrived, state: .launched, onMachine: true))
                == [.result("Unit web.service launched on 11111111.../10.0.0.1")]
        )
    }

    @Test func aReasonIsSaidOnce() throws {
        var report = try Self.report(.start)
        let waiting = try Self.progress(.waiting, message: "no machine has disk=ssd")
        #expect(report.take(waiting) == [.notice("Unit web.service is waiting: no machine has disk=ssd")])
        #expect(report.take(waiting) == [])
        let other = try Self.progress(.waiting, message: "it conflicts with a.service")
        #expect(report.take(other).count == 1)
        #expect(report.take(try Self.progress(.warning, message: "x")) == [.notice("WARNING: x")])
    }

    @Test func failure() throws {
        var report = try Self.report(.start)
        var failed = try Self.progress(.failed, onMachine: true)
        failed.failure = UnitFailure(
            cause: .exitCode,
            message: "main process exited with status 3 (Result: exit-code)",
            at: Fixture.now
        )
        failed.journal = ["web[1]: cannot bind", "web[1]: \u{1B}giving up"]
        #expect(
            report.take(failed) == [
                .notice(
                    "Unit web.service failed on 11111111.../10.0.0.1: main process exited with status 3 (Result: exit-code)"
                ),
                .notice("    web[1]: cannot bind"),
                .notice("    web[1]: ?giving up"),
                .notice("See 'fleetctl why web.service' for the whole story."),
            ]
        )
        #expect(report.take(ChangeProgress(kind: .done)) == [])
        #expect(report.exitStatus == 1)
    }

    @Test func refusal() throws {
        var report = try Self.report(.stop)
        #expect(
            report.take(try Self.progress(.refused, message: "there is no such unit")) == [
                .notice("web.service: there is no such unit")
            ]
        )
        #expect(report.take(ChangeProgress(kind: .done)) == [])
        #expect(report.exitStatus == 1)
        var other = try Self.report(.start)
        let message = "unable to find Unit(web.service) in Registry or on filesystem"
        #expect(other.take(try Self.progress(.refused, message: message)) == [.notice(message)])
    }

    @Test func timeOutNamesTheUnitsThatAreMissing() throws {
        let names = try ["a.service", "b.service"].map { UnitReference(name: try UnitName($0)) }
        var report = ChangeReport(ChangeRequest(action: .start, units: names))
        #expect(
            report.take(ChangeProgress(kind: .arrived, unit: try UnitName("a.service"), state: .launched)).count == 1
        )
        #expect(report.timeOut() == [.notice("timed out waiting for unit b.service to report state launched")])
        #expect(report.exitStatus == 1)
    }

    @Test func anAnswerWithoutEndIsNoSuccess() throws {
        var report = try Self.report(.start)
        #expect(report.take(try Self.progress(.arrived, state: .launched)).count == 1)
        #expect(report.exitStatus == 1)
    }
}
