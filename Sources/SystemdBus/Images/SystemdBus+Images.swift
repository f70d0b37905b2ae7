import FleetModel
import Logging
import UnitFile

extension SystemdBus {
    /// How a transient service ended.
    enum PullEnding: Hashable, Sendable {
        case done
        /// With systemd's `Result`, and the invocation whose journal says more.
        case failed(result: String, invocation: String)
    }

    /// Runs it to its end, or waits for the end of the one that is under way. What is left of it is cleared away.
    func run(_ unit: PullUnit) async throws -> PullEnding {
        let result: String
        do {
            result = try await runJob("StartTransientUnit") { writer throws(SystemdBusError) in
                try unit.write(to: writer)
            }
        } catch let error as SystemdBusError where error.systemdName == "UnitExists" {
            // An earlier fleetd's: a start joins the one that goes on.
            result = try await runJob("StartUnit") { writer throws(SystemdBusError) in
                try writer.string(unit.name)
                try writer.string("replace")
            }
        }
        guard result != "done" else { return .done }
        let path = SystemdName.path(of: unit.name)
        let ending = PullEnding.failed(
            result: try await property("Result", of: SystemdName.serviceInterface, at: path).text,
            invocation: try await property("InvocationID", of: SystemdName.unit, at: path).hexadecimal
        )
        try await forgetFailure(of: unit.name)
        return ending
    }

    /// Ends the service, whose `run` returns then.
    func end(_ unit: PullUnit) async {
        do {
            _ = try await runJob("StopUnit") { writer throws(SystemdBusError) in
                try writer.string(unit.name)
                try writer.string("replace")
            }
        } catch let error as SystemdBusError where error.isNoSuchUnit {
            // It has ended by itself.
        } catch {
            log.info("systemd: \(unit.name): \(error)")
        }
    }
}
