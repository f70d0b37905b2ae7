import Glibc
import UnitFile

/// The services of Quadlet files that units of ours need beside them: `companions/NAME`, and a link to it where systemd
/// looks. They are not ours: nobody asked for them here, systemd starts them because a unit of ours requires them.
extension UnitDirectory {
    private func companionFile(_ unit: UnitName) -> String { paths.companions + "/" + unit.description }

    func isCompanion(_ unit: UnitName) -> Bool { linkTarget(named: unit.description) == companionFile(unit) }

    /// All that are there, sorted, those without a link too.
    func companions() -> [UnitName] {
        (Disk.names(in: paths.root + paths.companions) ?? []).compactMap { try? UnitName($0) }.sorted()
    }

    /// The text of an installed companion; nil where there is none of this name.
    func companionText(_ unit: UnitName) -> String? { isCompanion(unit) ? contents(of: companionFile(unit)) : nil }

    /// Those of a unit's companions with which systemd stops it, directly or by another one of them: what the installed
    /// services say (systemd.unit(5)).
    func ties(of text: String, _ stamp: QuadletStamp?) -> Set<UnitName> {
        guard let stamp else { return [] }
        let companions = Set(stamp.services.values)
        var found: Set<UnitName> = []
        var open = [text]
        while let text = open.popLast() {
            guard let file = try? ParsedUnitFile.parse(text) else { continue }
            for key in ["Requires", "BindsTo", "Requisite", "PartOf", "StopPropagatedFrom"] {
                for word in file.values(section: "Unit", key: key).flatMap({ $0.split(whereSeparator: \.isWhitespace) })
                {
                    guard let unit = try? UnitName(String(word)), companions.contains(unit),
                        found.insert(unit).inserted,
                        let next = companionText(unit) ?? self.text(of: unit)
                    else { continue }
                    open.append(next)
                }
            }
        }
        return found
    }

    /// Writes and links it, unless it is there with this text, or is a unit of ours by itself.
    func installCompanion(_ unit: UnitName, _ text: String) throws(SystemdBusError) {
        guard !isOurs(unit), companionText(unit) != text else { return }
        try makeFolder(paths.companions)
        try makeFolder(paths.links)
        let draft = paths.root + paths.companions + "/." + unit.description.prefix(200) + ".new"
        try replace(paths.root + companionFile(unit), with: text, by: draft)
        guard !isCompanion(unit) else { return }
        guard symlink(companionFile(unit), paths.root + linkPath(unit)) == 0 else {
            throw failure("linking", linkPath(unit))
        }
        stampLinks()
    }

    func removeCompanion(_ unit: UnitName) {
        if isCompanion(unit) {
            _ = unlink(paths.root + linkPath(unit))
            stampLinks()
        }
        _ = unlink(paths.root + companionFile(unit))
    }

    /// Makes a companion a unit of ours: its link changes in one step, because others need it all the time. False when
    /// there is none.
    func promote(_ unit: UnitName) throws(SystemdBusError) -> Bool {
        guard isCompanion(unit) else { return false }
        // No unit has a name that begins in a dot.
        let draft = paths.root + paths.links + "/." + unit.description.prefix(200) + ".new"
        _ = unlink(draft)
        guard symlink(unitFile(unit), draft) == 0, rename(draft, paths.root + linkPath(unit)) == 0 else {
            throw failure("linking", linkPath(unit))
        }
        _ = unlink(paths.root + companionFile(unit))
        stampLinks()
        return true
    }
}
