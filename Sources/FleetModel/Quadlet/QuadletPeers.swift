package import UnitFile

/// The Quadlet files by which `[X-Fleet]` of a unit file names other units, in the order of the file. Only the registry
/// knows which units those are: `ServiceName=` of the named file decides.
package struct QuadletPeers: Hashable, Sendable {
    package var machineOf: [QuadletName] = []
    package var conflicts: [QuadletName] = []
    package var replaces: [QuadletName] = []

    package init() {}

    package var all: Set<QuadletName> { Set(machineOf + conflicts + replaces) }
}

extension FleetOptions {
    /// The same with the units that the files in `quadlets` mean beside those that are named themselves.
    package func naming(_ meaning: (QuadletName) -> UnitName) -> FleetOptions {
        var named = self
        for peer in quadlets.machineOf.map(meaning) where !named.machineOf.contains(peer) {
            named.machineOf.append(peer)
        }
        for pattern in quadlets.conflicts.map({ UnitPattern(only: meaning($0)) })
        where !named.conflicts.contains(pattern) {
            named.conflicts.append(pattern)
        }
        for pattern in quadlets.replaces.map({ UnitPattern(only: meaning($0)) })
        where !named.replaces.contains(pattern) {
            named.replaces.append(pattern)
        }
        return named
    }
}

extension UnitPattern {
    fileprivate init(only unit: UnitName) { self.init(Self.quoting(unit.description)) }
}
