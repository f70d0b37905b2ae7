import FleetAPI
import FleetModel
import FleetRuntime
import HTTPTypes
import ServiceLifecycle
import UnitFile

extension Routes {
    /// `?lines=N&follow=1`; without them the last ten lines, and no waiting for more.
    func journal(_ name: UnitName, _ request: APIRequest) async throws(APIError) -> Answer {
        let lines = try number("lines", in: request, upTo: limits.journalLines) ?? Self.journalLines
        let follow = try flag("follow", in: request)
        let snapshot = try await control.snapshot()
        guard snapshot.unitRevisions[name] != nil || snapshot.statuses[name] != nil else {
            throw Self.missing(name, in: snapshot)
        }
        let holders = Set((snapshot.statuses[name] ?? [:]).keys).union((snapshot.assignments[name] ?? [:]).keys)
        if let other = holders.min(), !holders.contains(control.machine) {
            let host = snapshot.machines[other]?.presence?.hostname ?? ""
            throw APIError(404, "\(name) is on machine \(other.short) \(host): ask for its journal there")
        }
        let control = control
        return .lines { writer in
            let entries = control.journal(of: name, lines: lines, follow: follow)
            for try await line in entries.cancelOnGracefulShutdown() { try await writer.write([line]) }
        }
    }

    /// fleetctl's default too.
    private static let journalLines = 10
}
