import FleetAPI
import FleetModel
import FleetRuntime
import HTTPTypes
import ServiceLifecycle
import UnitFile

/// `GET /fleet/v2/events`
extension Routes {
    /// `?lines=N&unit=PATTERN&follow=1`; without them the newest events of all units, and no waiting for more.
    func events(_ request: APIRequest) async throws(APIError) -> Answer {
        let count = try number("lines", in: request, upTo: limits.eventLines) ?? Self.eventLines
        let follow = try flag("follow", in: request)
        let filter = try EventFilter(request.target.values(of: "unit"))
        // Before the stored ones are read, so that none falls between the two.
        let new = follow ? await control.newEvents() : nil
        let snapshot = try await control.snapshot()
        let stored = try await stored(count, filter, in: snapshot)
        let control = control
        return .lines { writer in
            try await writer.write(stored.map { EventLine(.unit($0), in: snapshot) })
            guard let new else { return }
            var told = Set(stored.map(FleetEvent.unit))
            for await events in new.cancelOnGracefulShutdown() {
                let fresh = events.filter { filter.accepts($0) && told.remove($0) == nil }
                guard !fresh.isEmpty else { continue }
                let snapshot = try await control.snapshot()
                try await writer.write(fresh.map { EventLine($0, in: snapshot) })
            }
        }
    }

    /// fleetctl's default too.
    private static let eventLines = 20

    /// The newest `count` stored events, oldest first. Their ids are known; the events are read for those alone.
    private func stored(
        _ count: Int,
        _ filter: EventFilter,
        in snapshot: Snapshot
    ) async throws(APIError) -> [UnitEvent] {
        let units = snapshot.eventIDs.filter { filter.accepts($0.key) }
        let newest = units.flatMap { unit, ids in ids.suffix(count).map { (id: $0, unit: unit) } }
            .sorted { ($0.id, $0.unit) < ($1.id, $1.unit) }.suffix(count)
        var wanted: [UnitName: Int] = [:]
        for event in newest { wanted[event.unit, default: 0] += 1 }
        var events: [UnitEvent] = []
        for (unit, number) in wanted.sorted(by: { $0.key < $1.key }) {
            events += try await control.events(of: unit).suffix(number)
        }
        return events.sorted { ($0.at, $0.unit) < ($1.at, $1.unit) }
    }
}

/// Which events somebody wants to hear of.
private struct EventFilter: Sendable {
    /// Empty: everything.
    private let units: [UnitPattern]

    init(_ patterns: [String]) throws(APIError) {
        var units: [UnitPattern] = []
        for pattern in patterns {
            do throws(PatternError) {
                units.append(try UnitPattern(validating: pattern))
            } catch {
                throw APIError(400, "unit: \(error)")
            }
        }
        self.units = units
    }

    func accepts(_ unit: UnitName) -> Bool {
        units.isEmpty || units.contains { $0.matches(unit.description) }
    }

    func accepts(_ event: FleetEvent) -> Bool {
        switch event {
        case .unit(let event): accepts(event.unit)
        case .machine: units.isEmpty
        }
    }
}
