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
        let patterns = request.target.values(of: "unit")
        // Before the stored ones are read, so that none falls between the two.
        let new = follow ? await control.newEvents() : nil
        let snapshot = try await control.snapshot()
        let filter = try EventFilter(patterns, in: snapshot)
        let stored = try await stored(count, filter, in: snapshot)
        let control = control
        return .lines { writer in
            try await writer.write(stored.map { EventLine(.unit($0), in: snapshot) })
            guard let new else { return }
            var told = Set(stored.map(FleetEvent.unit))
            var filter = filter
            for await events in new.cancelOnGracefulShutdown() {
                let snapshot = try await control.snapshot()
                filter.learn(of: events, in: snapshot)
                let fresh = events.filter { filter.accepts($0) && told.remove($0) == nil }
                guard !fresh.isEmpty else { continue }
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
