import FleetModel
import UnitFile

/// Which Quadlet files name which others, to find the units that a changed file concerns: their assignments carry its
/// hash, and what it asks of podman decides where they may be.
struct QuadletIndex: Equatable, Sendable {
    private var entries: [UnitName: Entry] = [:]
    /// Units by a file that theirs names.
    private var users: [QuadletName: Set<UnitName>] = [:]

    /// What others see of a unit's file.
    private struct Entry: Equatable, Sendable {
        var source: QuadletName
        var file: ContentHash
        var facts: QuadletFacts
    }

    /// Takes over what `snapshot` says of these units, and returns all units whose files need, directly or not, one of
    /// those that changed.
    mutating func update(_ units: Set<UnitName>, from snapshot: Snapshot) -> Set<UnitName> {
        var open: Set<QuadletName> = []
        for name in units {
            let unit = snapshot.units[name]
            let new = unit.flatMap { unit in
                unit.intent.source.flatMap { source in
                    unit.quadlet.map { Entry(source: source, file: unit.intent.file, facts: $0) }
                }
            }
            let old = entries[name]
            guard old != new else { continue }
            for file in old?.facts.references ?? [] {
                users[file]?.remove(name)
                if users[file]?.isEmpty == true { users[file] = nil }
            }
            for file in new?.facts.references ?? [] { users[file, default: []].insert(name) }
            entries[name] = new
            open.formUnion([old?.source, new?.source].compactMap { $0 })
        }
        var concerned: Set<UnitName> = []
        while let file = open.popFirst() {
            for user in users[file] ?? [] where concerned.insert(user).inserted {
                if let source = entries[user]?.source { open.insert(source) }
            }
        }
        return concerned
    }
}
