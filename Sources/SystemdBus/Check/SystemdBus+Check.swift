package import FleetAgent
import FleetModel
import Logging
package import UnitFile

extension SystemdBus {
    /// Runs `command` by `/bin/sh -c` as the unit's user, in the namespaces of its main process and beside it in its
    /// slice, and answers within `timeout` and a second. When it answers, nothing of the check is left. Nothing is run
    /// unless the unit is up with this `invocation`: without a main process to follow, the command would run in the
    /// machine's own namespaces. No other check of the unit may be under way.
    package func runCheck(
        _ command: String,
        of unit: UnitName,
        invocation: String,
        within timeout: Duration
    ) async -> CheckResult {
        let name = CheckUnit.name(for: unit)
        do {
            guard let facts = try await checkFacts(unit, invocation) else {
                return .notRun(reason: "the unit is not up any more")
            }
            let output = try ProgramOutput()
            let check = CheckUnit(unit: unit, command: command, timeout: timeout, facts: facts)
            let result: String
            do {
                result = try await runJob("StartTransientUnit") { writer throws(SystemdBusError) in
                    try check.write(to: writer, output: output.descriptor)
                }
            } catch let error as SystemdBusError where error.systemdName == "UnitExists" {
                // An earlier fleetd's.
                await end(transient: name)
                return .notRun(reason: "an earlier check was still there")
            }
            if result == "done" { return .healthy(output: await output.end()) }
            guard result == "failed" else {
                await end(transient: name)
                return .notRun(reason: "its job ended as '\(result)'")
            }
            let ending = try await checkEnding(name)
            await end(transient: name)
            if let obstacle = ending.obstacle { return .notRun(reason: obstacle) }
            // nsenter's failure looks like the command's.
            guard try await checkFacts(unit, invocation)?.mainPID == facts.mainPID else {
                return .notRun(reason: "the unit's main process ended meanwhile")
            }
            return .unhealthy(output: ending.sentence(await output.end(), within: timeout))
        } catch {
            return .notRun(reason: "\(error)")
        }
    }

    /// nil when the unit is not up with this invocation.
    private func checkFacts(_ unit: UnitName, _ invocation: String) async throws(SystemdBusError) -> CheckFacts? {
        func id(_ name: String) -> PropertyID {
            PropertyID(unit: unit, interface: Self.interface(of: unit.type), name: name)
        }
        func unitID(_ name: String) -> PropertyID { PropertyID(unit: unit, interface: SystemdName.unit, name: name) }
        let values = try await properties(
            ["MainPID", "UID", "GID", "Slice"].map(id) + ["ActiveState", "InvocationID"].map(unitID)
        )
        let isUp = UnitObservation.upStates.contains(values[unitID("ActiveState")]?.text ?? "")
        guard isUp, values[unitID("InvocationID")]?.hexadecimal == invocation else { return nil }
        /// 0 is root, and systemd writes -1 for a unit that says nothing.
        func owner(_ name: String) -> UInt32? {
            let number = UInt32(truncatingIfNeeded: values[id(name)]?.number ?? 0)
            return number == 0 || number == .max ? nil : number
        }
        return CheckFacts(
            mainPID: Int32(truncatingIfNeeded: values[id("MainPID")]?.number ?? 0),
            user: owner("UID"),
            group: owner("GID"),
            slice: values[id("Slice")]?.text ?? "",
            isFenced: ours[unit]?.isAtMostOnce == true
        )
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
}
