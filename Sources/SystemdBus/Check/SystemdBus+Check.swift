package import FleetAgent
import FleetModel
import Logging
package import UnitFile

extension SystemdBus {
    /// Runs `command` by `/bin/sh -c` as the unit's user, in the namespaces of its main process and beside it in its
    /// slice, and answers within `timeout` and a second. When it answers, nothing of the check is left. The unit must
    /// be up, and no other check of it under way.
    package func runCheck(_ command: String, of unit: UnitName, within timeout: Duration) async -> CheckResult {
        let name = CheckUnit.name(for: unit)
        do {
            let output = try OutputPipe()
            let check = CheckUnit(unit: unit, command: command, timeout: timeout, facts: try await checkFacts(unit))
            let result: String
            do {
                result = try await runJob("StartTransientUnit") { writer throws(SystemdBusError) in
                    try check.write(to: writer, output: output.writeEnd)
                }
            } catch let error as SystemdBusError where error.systemdName == "UnitExists" {
                // An earlier fleetd's.
                await endCheck(name)
                return .notRun(reason: "an earlier check was still there")
            }
            if result == "done" { return .healthy(output: output.tail().text) }
            guard result == "failed" else {
                await endCheck(name)
                return .notRun(reason: "its job ended as '\(result)'")
            }
            let ending = try await checkEnding(name)
            await endCheck(name)
            return .unhealthy(output: Self.sentence(for: ending, output.tail(), timeout))
        } catch {
            return .notRun(reason: "\(error)")
        }
    }

    /// Forgets failed checks that an earlier fleetd has left.
    func forgetOldChecks() async {
        do {
            let names = try await call(
                "ListUnitsByPatterns",
                write: { writer throws(SystemdBusError) in
                    try writer.strings(["failed"])
                    try writer.strings([CheckUnit.pattern])
                },
                decode: { reader throws(SystemdBusError) in
                    try reader.array(of: "(ssssssouso)") { reader throws(SystemdBusError) in
                        try reader.structure(of: "ssssssouso") { reader throws(SystemdBusError) in
                            try ListedUnit(reader).name
                        }
                    }
                }
            )
            for name in names { try await forgetFailure(of: name) }
        } catch {
            log.info("systemd: old health checks: \(error)")
        }
    }

    /// Waits until nothing of the check is left, and has systemd forget it.
    private func endCheck(_ name: String) async {
        do {
            _ = try await runJob("StopUnit") { writer throws(SystemdBusError) in
                try writer.string(name)
                try writer.string("replace")
            }
            try await forgetFailure(of: name)
        } catch let error as SystemdBusError where error.isNoSuchUnit {
            // systemd has forgotten it already.
        } catch {
            log.info("systemd: \(name): \(error)")
        }
    }

    func forgetFailure(of name: String) async throws(SystemdBusError) {
        do {
            try await command("ResetFailedUnit") { writer throws(SystemdBusError) in try writer.string(name) }
        } catch {
            if !error.isNoSuchUnit { throw error }
        }
    }

    private func checkFacts(_ unit: UnitName) async throws(SystemdBusError) -> CheckFacts {
        let interface = Self.interface(of: unit.type)
        func id(_ name: String) -> PropertyID { PropertyID(unit: unit, interface: interface, name: name) }
        let values = try await properties(["MainPID", "UID", "GID", "Slice"].map(id))
        /// 0 is root, and systemd writes -1 for a unit that says nothing.
        func owner(_ name: String) -> UInt32? {
            let number = UInt32(truncatingIfNeeded: values[id(name)]?.number ?? 0)
            return number == 0 || number == .max ? nil : number
        }
        return CheckFacts(
            mainPID: Int32(truncatingIfNeeded: values[id("MainPID")]?.number ?? 0),
            user: owner("UID"),
            group: owner("GID"),
            slice: values[id("Slice")]?.text ?? ""
        )
    }

    private struct CheckEnding {
        var result = ""
        var code: Int64 = 0
        var status: Int64 = 0
    }

    private func checkEnding(_ name: String) async throws(SystemdBusError) -> CheckEnding {
        let path = SystemdName.path(of: name)
        let interface = SystemdName.serviceInterface
        return CheckEnding(
            result: try await property("Result", of: interface, at: path).text,
            code: try await property("ExecMainCode", of: interface, at: path).number,
            status: try await property("ExecMainStatus", of: interface, at: path).number
        )
    }

    private static func sentence(
        for ending: CheckEnding,
        _ output: (text: String, isFull: Bool),
        _ timeout: Duration
    ) -> String {
        let how: String
        switch ending.result {
        case "timeout":
            let limit = OutputPipe.capacity / 1024
            how =
                "no answer within \(TimeSpan.format(timeout))"
                + (output.isFull ? " (it printed more than \(limit) KiB, which nobody reads)" : "")
            if output.isFull { return how }
        case "oom-kill": how = "ran out of memory (more than \(CheckLimits.memoryBytes >> 20) MiB)"
        // `CLD_EXITED` of waitid(2); the others are signals.
        case _ where ending.code == 1: how = "exit status \(ending.status)"
        case _ where ending.code > 1: how = "killed by signal \(ending.status)"
        default: how = "systemd could not run it (Result: \(ending.result))"
        }
        let text = HealthOutput.text(output.text)
        return text.isEmpty ? how : "\(how): \(text)"
    }
}
