import FleetModel
import Logging
import UnitFile

extension SystemdBus {
    /// How a transient service ended.
    enum PullEnding: Hashable, Sendable {
        case done
        /// With systemd's `Result`, the exit status, and the invocation whose journal says more.
        case failed(result: String, status: Int64, invocation: String)
    }

    /// Runs it to its end, or waits for the end of the one that is under way. What is left of it is cleared away. After
    /// the task is cancelled, nothing is begun.
    func run(_ unit: PullUnit) async throws -> PullEnding {
        let result = try await startOrJoin(unit)
        guard result != "done" else { return .done }
        let path = SystemdName.path(of: unit.name)
        let ending = PullEnding.failed(
            result: try await property("Result", of: SystemdName.serviceInterface, at: path).text,
            status: try await property("ExecMainStatus", of: SystemdName.serviceInterface, at: path).number,
            invocation: try await property("InvocationID", of: SystemdName.unit, at: path).hexadecimal
        )
        try await resetFailed(unit.name)
        return ending
    }

    private func startOrJoin(_ unit: PullUnit) async throws -> String {
        while true {
            try Task.checkCancellation()
            do {
                return try await runJob("StartTransientUnit") { writer throws(SystemdBusError) in
                    try unit.write(to: writer)
                }
            } catch let error as SystemdBusError where error.systemdName == "UnitExists" {
                // An earlier fleetd's: a start joins the one that goes on.
            }
            try Task.checkCancellation()
            do {
                return try await runJob("StartUnit") { writer throws(SystemdBusError) in
                    try writer.string(unit.name)
                    try writer.string("replace")
                }
            } catch let error as SystemdBusError where error.isNoSuchUnit {
                // It has ended between the two questions, so the name is free.
            }
        }
    }
}
