package import FleetModel
package import UnitFile

/// The keys that one machine writes about itself, as they come back from the registry. A request whose answer was lost
/// may be carried out late, after newer ones: whoever has written a key looks here whether the registry has what it
/// should have.
package struct OwnKeys: Sendable {
    /// What the registry has of them.
    package struct News: Hashable, Sendable {
        /// The last word on each key.
        package var events: [StoreEvent]
        /// What this is as of.
        package var revision: Revision
        /// True for a list: what is not in it is not there.
        package var isWhole: Bool
        /// The registry was restored from a backup: revisions that were heard of before say nothing.
        package var hasGoneBack: Bool

        package init(events: [StoreEvent], revision: Revision, isWhole: Bool, hasGoneBack: Bool = false) {
            self.events = events
            self.revision = revision
            self.isWhole = isWhole
            self.hasGoneBack = hasGoneBack
        }
    }

    package let presence: Key
    private let keyspace: Keyspace
    private let ranges: [KeyRange]

    package init(of machine: MachineID, in keyspace: Keyspace) {
        self.keyspace = keyspace
        presence = RegistryKey.presence(machine).key(in: keyspace)
        ranges = [
            .key(presence), keyspace.statuses(of: machine), keyspace.refusals(of: machine), keyspace.locks,
        ]
    }

    package func news(listed entries: [StoredEntry], at revision: Revision, hasGoneBack: Bool = false) -> News {
        let own = entries.filter { isOwn($0.key) }
        return News(events: own.map(StoreEvent.put), revision: revision, isWhole: true, hasGoneBack: hasGoneBack)
    }

    /// nil when `events` has none.
    package func news(of events: [StoreEvent], upTo revision: Revision) -> News? {
        var last: [Key: StoreEvent] = [:]
        for event in events where isOwn(event.key) { last[event.key] = event }
        guard !last.isEmpty else { return nil }
        return News(
            events: last.sorted { $0.key < $1.key }.map(\.value),
            revision: revision,
            isWhole: false
        )
    }

    /// On which lease the machine's presence is, and since which revision; nil when `news` does not tell.
    package func presence(in news: News) -> (lease: LeaseID?, revision: Revision)? {
        for event in news.events where event.key == presence {
            return (event.entry?.lease, news.hasGoneBack ? Revision(.max) : event.revision)
        }
        return news.isWhole ? (nil, news.hasGoneBack ? Revision(.max) : news.revision) : nil
    }

    /// The units whose locks name `machine`.
    package func locks(of machine: MachineID, in news: News) -> [UnitName] {
        news.events.compactMap { event in
            guard case .put(let entry) = event, case .lock(let unit)? = RegistryKey(entry.key, in: keyspace) else {
                return nil
            }
            let lock = try? RegistryValue.decode(UnitLock.self, from: entry.value)
            return lock?.machine == machine ? unit : nil
        }
    }

    private func isOwn(_ key: Key) -> Bool { ranges.contains { $0.contains(key) } }
}
