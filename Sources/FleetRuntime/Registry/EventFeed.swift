import FleetModel
import FleetRegistry

/// Hands events on to those who follow them, as they come by. They are in the batches that the snapshot is folded from:
/// following them costs the registry nothing, and this process nothing while nobody does.
struct EventFeed {
    typealias Events = AsyncStream<[FleetEvent]>

    /// Batches that wait for a follower at most. One that is that slow is let go: its stream ends.
    static let capacity = 4096

    private let keyspace: Keyspace
    private var followers: [Int: Events.Continuation] = [:]
    private var next = 0
    private var news: MachineNews?

    init(keyspace: Keyspace) { self.keyspace = keyspace }

    /// A new follower's stream, and its number, to `drop` it by.
    mutating func add(
        _ snapshot: Snapshot,
        now: Timestamp
    ) -> (id: Int, events: Events, continuation: Events.Continuation) {
        let (events, continuation) = Events.makeStream(bufferingPolicy: .bufferingOldest(Self.capacity))
        if followers.isEmpty { news = MachineNews(since: snapshot, now: now) }
        let id = next
        next += 1
        followers[id] = continuation
        return (id, events, continuation)
    }

    mutating func drop(_ id: Int) {
        followers[id] = nil
        if followers.isEmpty { news = nil }
    }

    mutating func end() {
        for follower in followers.values { follower.finish() }
        followers = [:]
    }

    /// `entries` are new in `snapshot`. What cannot be read is somebody else's trouble: the unit's story says so.
    mutating func tell(_ entries: some Sequence<StoredEntry>, _ snapshot: Snapshot, now: Timestamp) {
        guard !followers.isEmpty else { return }
        var events: [FleetEvent] = []
        for entry in entries {
            guard case .event? = RegistryKey(entry.key, in: keyspace),
                let event = try? RegistryValue.decode(UnitEvent.self, from: entry.value)
            else { continue }
            events.append(.unit(event))
        }
        events += (news?.advance(to: snapshot, now: now) ?? []).map(FleetEvent.machine)
        guard !events.isEmpty else { return }
        for (id, follower) in followers {
            if case .dropped = follower.yield(events) {
                follower.finish()
                followers[id] = nil
            }
        }
    }
}
