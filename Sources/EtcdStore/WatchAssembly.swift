import EtcdProto
import FleetModel
import FleetRegistry
import FleetRuntime

/// Makes batches of etcd's messages. It knows the first revision that was not handed out, which is where a watch on
/// another member goes on, and drops what was handed out already: a member that lags behind may say it again.
struct WatchAssembly {
    private(set) var next: Revision
    /// Events of a revision whose rest is still to come.
    private var held: [StoreEvent] = []

    init(from start: Revision) { next = start }

    /// A new stream begins at `next`.
    mutating func restart() { held = [] }

    /// The batch that `response` completes, if any.
    ///
    /// The revision in the response's header is where the member is, which may be ahead of events that it sends in
    /// several messages. So a batch goes up to its last event; only a message without events is the member's word that
    /// there is nothing up to its header's revision (etcd sends one now and then to a watch that is up to date).
    mutating func take(_ response: EtcdWatchResponse) -> WatchBatch? {
        held += response.events.lazy.map(StoreEvent.init).filter { [next] in $0.revision >= next }
        if response.events.isEmpty {
            let revision = Revision(response.header.revision)
            guard held.isEmpty, revision >= next else { return nil }
            next = revision.next
            return WatchBatch(events: [], revision: revision)
        }
        guard let last = held.last?.revision else { return nil }
        var ready = held
        if response.fragment {
            ready = held.filter { $0.revision < last }
            held = held.filter { $0.revision == last }
        } else {
            held = []
        }
        guard let revision = ready.last?.revision else { return nil }
        next = revision.next
        return WatchBatch(events: ready, revision: revision)
    }
}
