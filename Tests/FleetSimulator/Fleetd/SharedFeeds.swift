import FleetModel
import FleetRegistry
import FleetRuntime

/// `SnapshotFeed` for all fleetds of one world, each change folded once.
///
/// Folding is a pure function of what is stored, so that a feed which has followed every change up to a revision is the
/// same as any other one that did, or that was listed there. Most of a simulation's time went into folding the same
/// change once per machine. That a followed feed equals a listed one is itself checked at the end of every seed
/// (`isAsListed`); where a planted mistake loses or falsifies something, nothing is shared.
final class SharedFeeds {
    private struct Folded {
        let feed: SnapshotFeed
        let changes: Changes
    }

    private unowned let world: SimWorld
    private var known: [Revision: Folded] = [:]
    private var kept: [Revision] = []

    /// More than any watch is behind, as a rule; what is missing is folded again.
    private static let most = 64

    init(world: SimWorld) { self.world = world }

    private var isSharing: Bool { !world.has(.loseWatchEvent) && !world.has(.staleList) }

    func list(_ answer: RangeAnswer, into feed: inout SnapshotFeed) -> Changes {
        if isSharing, let folded = known[answer.revision] {
            feed = folded.feed
            return Changes(all: true)
        }
        return feed.list(answer.entries, at: answer.revision)
    }

    /// Folds a batch, one revision after the other.
    func apply(_ batch: WatchBatch, to feed: inout SnapshotFeed) -> Changes {
        let before = feed.snapshot.revision
        var events = batch.events.filter { $0.revision > before }[...]
        guard isSharing else { return feed.apply(Array(events), upTo: batch.revision) }
        var changes = Changes()
        while let revision = events.first?.revision {
            let own = events.prefix { $0.revision == revision }
            events = events.dropFirst(own.count)
            if let folded = known[revision] {
                feed = folded.feed
                changes.merge(folded.changes)
            } else {
                let own = feed.apply(Array(own), upTo: revision)
                keep(Folded(feed: feed, changes: own), at: revision)
                changes.merge(own)
            }
        }
        return changes
    }

    private func keep(_ folded: Folded, at revision: Revision) {
        known[revision] = folded
        kept.append(revision)
        if kept.count > Self.most { known[kept.removeFirst()] = nil }
    }
}
