import FleetAPI
import FleetModel
import FleetRuntime
import FleetUseCases
import HTTPTypes
import UnitFile

/// `POST /fleet/v2/machines/orders`
extension Routes {
    /// Every name is looked up before anything is written, and the orders are durable before the answer's head leaves.
    func order(_ request: APIRequest) async throws(APIError) -> Answer {
        let wanted = try await request.json(MachineOrderRequest.self)
        guard !wanted.machines.isEmpty else { throw APIError(400, "machines: no machines given") }
        guard wanted.machines.count <= limits.units else {
            throw APIError(413, "machines: at most \(limits.units) in one request, this has \(wanted.machines.count)")
        }
        let machines = try Self.machines(wanted.machines, in: try await control.snapshot())
        let change = Change.order(try Self.order(wanted), machines)
        let outcome = try await control.perform(change, by: await request.user())
        let after = try await control.snapshot()
        let first = machines.map { machine in
            MachineProgress(
                kind: outcome.machines[machine] == .unchanged ? .unchanged : .stored,
                machine: MachineSummary(machine, in: after)
            )
        }
        let (control, explainer) = (control, explainer)
        let followed = wanted.wait && wanted.action == .drain ? machines : []
        return .lines { writer in
            try await writer.write(first)
            let follower = DrainFollower(followed, explainer: explainer)
            var following = Following(follower, of: "order", with: control)
            try await following.run(&writer)
        }
    }

    static func machines(_ names: [String], in snapshot: Snapshot) throws(APIError) -> [MachineID] {
        do throws(UseCaseError) {
            return try MachineNames.resolve(names, in: snapshot)
        } catch {
            throw APIError(error)
        }
    }

    private static func order(_ request: MachineOrderRequest) throws(APIError) -> MachineOrder {
        switch request.action {
        case .cordon:
            let reason = request.reason.map { $0.printable() }
            return .cordon(reason: reason?.isEmpty == true ? nil : reason)
        case .uncordon: return .uncordon
        case .forget: return .forget
        case .drain:
            guard let deadline = request.deadline else { return .drain(deadline: nil) }
            guard deadline >= 0, deadline <= Limits.longestSpan.milliseconds else {
                throw APIError(400, "deadline: \(deadline) is no number of milliseconds from 0 to a hundred years")
            }
            return .drain(deadline: .milliseconds(deadline))
        }
    }
}
