package import UnitFile

/// What a Quadlet file needs beside it, as the registry has it.
package struct Companions: Hashable, Sendable {
    /// Each file that is needed, directly or by one that is, with its unit.
    package var units: [QuadletName: UnitName] = [:]
    /// What is needed and not stored, or cannot be read.
    package var missing: Set<QuadletName> = []
    /// The most that any of the files, the first one included, asks of podman; the first of them by name.
    package var podman: PodmanNeed
    /// The same of systemd; nil where every supported one will do.
    package var systemd: SystemdNeed?
}

extension Snapshot {
    /// nil for a unit that does not come from a Quadlet file.
    package func companions(of unit: Unit) -> Companions? {
        guard let facts = unit.quadlet, let source = unit.intent.source else { return nil }
        var found = Companions(podman: facts.podman)
        var needs: [QuadletName: PodmanNeed] = [:]
        var open = facts.references
        while let name = open.popLast() {
            guard name != source, found.units[name] == nil, !found.missing.contains(name) else { continue }
            // Of one that cannot be read nothing is known, and nothing is told when it comes or goes.
            let readable = (unitsBySource[name] ?? []).filter { units[$0]?.quadlet != nil }
            guard let companion = readable.min(), let facts = units[companion]?.quadlet else {
                found.missing.insert(name)
                continue
            }
            found.units[name] = companion
            needs[name] = facts.podman
            open += facts.references
        }
        for (_, need) in needs.sorted(by: { $0.key < $1.key }) where need.version > found.podman.version {
            found.podman = need
        }
        found.systemd = unit.systemd
        for (_, companion) in found.units.sorted(by: { $0.key < $1.key }) {
            guard let need = units[companion]?.systemd, need.version > found.systemd?.version ?? 0 else { continue }
            found.systemd = need
        }
        return found
    }

    /// The units whose Quadlet files name this one directly, sorted.
    package func users(of source: QuadletName) -> [UnitName] {
        units.values.filter { $0.quadlet?.references.contains(source) == true }.map(\.name).sorted()
    }

    /// The units whose Quadlet files need one of these, directly or by another one.
    package func allUsers(of sources: Set<QuadletName>) -> Set<UnitName> {
        var found: Set<UnitName> = []
        var open = sources
        while let source = open.popFirst() {
            for user in users(of: source) where found.insert(user).inserted {
                if let next = units[user]?.intent.source { open.insert(next) }
            }
        }
        return found
    }

    /// The units that systemd stops with that of this file, where they are on one machine, sorted.
    package func tied(to source: QuadletName) -> [UnitName] {
        var found: Set<UnitName> = []
        var open = [source]
        while let name = open.popLast() {
            for unit in units.values where unit.quadlet?.ties.contains(name) == true && unit.intent.source != source {
                guard found.insert(unit.name).inserted, let next = unit.intent.source else { continue }
                open.append(next)
            }
        }
        return found.sorted()
    }

    /// The unit that people mean by a Quadlet file's name: the one that comes from it, or else the one that would if it
    /// says nothing of its service.
    package func name(meantBy source: QuadletName) -> UnitName { unit(from: source) ?? source.standardService }
}
