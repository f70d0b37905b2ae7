import CSystemd
import FleetAgent
import FleetModel
import Glibc
import UnitFile

/// The unit files of ours on disk: `units/NAME`, and the link `links/NAME` that makes systemd see it and us own it.
///
/// systemd treats such a link like a file of its own (`UnitFileState=linked-runtime`): it is found without a reload,
/// `FragmentPath` is the link, and `NeedDaemonReload` follows the time stamp of what it points to. Seen with systemd
/// 252 and 257.
struct UnitDirectory: Sendable {
    let paths: SystemdPaths
    let timing: FenceTiming

    /// Every unit of ours, with its file's hash (nil when the link dangles).
    func list() -> [(UnitName, SystemdBus.OurUnit)] {
        var units: [(UnitName, SystemdBus.OurUnit)] = []
        for name in Disk.names(in: paths.root + paths.links) ?? [] {
            guard let unit = try? UnitName(name), isOurs(unit) else { continue }
            let text = text(of: unit)
            let stamp = text.flatMap(QuadletStamp.init(of:))
            let found = SystemdBus.OurUnit(
                file: stamp?.file ?? text.map(ContentHash.init(of:)),
                stamp: stamp,
                ties: text.map { ties(of: $0, stamp) } ?? [],
                isAtMostOnce: text.map { contents(of: dropInPath(unit)) == dropIn(unit, $0) } ?? false,
                isEndedByCheck: stamp != nil && text.map(ContainerCheck.ends) ?? false
            )
            units.append((unit, found))
        }
        return units
    }

    func isOurs(_ unit: UnitName) -> Bool {
        linkTarget(named: unit.description) == unitFile(unit)
    }

    /// The text of our installed file.
    func text(of unit: UnitName) -> String? { contents(of: unitFile(unit)) }

    func contents(of path: String) -> String? {
        guard let bytes = try? Disk.read(paths.root + path) else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Where a unit of this name comes from, when not from us: a file or link (masked ones too) in any folder that
    /// systemd reads, or a template that would make it.
    ///
    /// `owner` may hold the name as an alias of its own: a link to its file does not count.
    func foreignPath(of unit: UnitName, in unitPath: [String], owner: UnitName? = nil) -> String? {
        let owned = unitFile(owner ?? unit)
        for folder in unitPath {
            for name in [unit, unit.template].compactMap({ $0 }) {
                let path = folder + "/" + name.description
                var status = stat()
                guard lstat(paths.root + path, &status) == 0 else { continue }
                if folder == paths.links, isOurs(name) || isCompanion(name) { continue }
                if folder == paths.links, linkTarget(named: name.description) == owned { continue }
                return path
            }
        }
        return nil
    }

    /// Writes the file whole or not at all, byte for byte, and links it.
    func install(_ unit: UnitName, _ text: String) throws(SystemdBusError) {
        try makeFolder(paths.units)
        try makeFolder(paths.links)
        // Not a valid unit name, so that systemd and `list` overlook a left-over.
        let draft = paths.root + paths.units + "/." + unit.description.prefix(200) + ".new"
        try replace(paths.root + unitFile(unit), with: text, by: draft)
        try link(unit)
    }

    func replace(_ file: String, with text: String, by draft: String) throws(SystemdBusError) {
        let descriptor = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw failure("creating", draft) }
        do throws(SystemdBusError) {
            defer { close(descriptor) }
            try Disk.write(Array(text.utf8), to: descriptor, draft)
            guard fchmod(descriptor, 0o644) == 0 else { throw failure("setting the mode of", draft) }
            // The kernel stamps files with a clock that ticks every 4 ms, and systemd compares time stamps to see
            // whether a file changed: two versions within one tick would look the same.
            var now = Self.now
            guard futimens(descriptor, &now) == 0 else { throw failure("setting the time of", draft) }
            guard rename(draft, file) == 0 else { throw failure("renaming", draft) }
        } catch {
            _ = unlink(draft)
            throw error
        }
    }

    /// Removes link and file. What is already gone is fine.
    func remove(_ unit: UnitName) {
        if isOurs(unit) { _ = unlink(paths.root + linkPath(unit)) }
        _ = unlink(paths.root + unitFile(unit))
        removeDropIn(unit)
        removeCredentials(unit)
        stampLinks()
    }

    // MARK: At-most-once units

    /// True while systemd may start the unit.
    func isAllowed(_ unit: UnitName) -> Bool { AllowedFolder.contains(unit, at: paths.root + paths.allowed) }

    /// Gives the unit the drop-in of an at-most-once unit with this text, or (nil) takes it away.
    func guardUnit(_ unit: UnitName, _ text: String?) throws(SystemdBusError) {
        guard let text else { return removeDropIn(unit) }
        let dropIn = dropIn(unit, text)
        guard contents(of: dropInPath(unit)) != dropIn else { return }
        try makeFolder(dropInFolder(unit))
        let path = paths.root + dropInPath(unit)
        try replace(path, with: dropIn, by: path + ".new")
        stampLinks()
    }

    /// Writes the units that make up the fence.
    func writeFence() throws(SystemdBusError) {
        try makeFolder(paths.links + "/sleep.target.wants")
        let late = paths.root + FenceUnits.latePath(allowed: paths.allowed)
        try replace(late, with: FenceUnits.late, by: late + ".new")
        for (name, text) in FenceUnits.files(allowed: paths.allowed, margin: timing.margin) {
            let path = paths.links + "/" + name
            if contents(of: path) != text { try replace(paths.root + path, with: text, by: paths.root + path + ".new") }
        }
        for (name, target) in [
            (FenceUnits.sleep, FenceUnits.template), (AtMostOnceDropIn.fence, AtMostOnceDropIn.fence),
        ] {
            let link = paths.root + paths.links + "/sleep.target.wants/" + name
            guard symlink("../" + target, link) == 0 || errno == EEXIST else { throw failure("linking", link) }
        }
        stampLinks()
    }

    private func dropIn(_ unit: UnitName, _ text: String) -> String {
        let allowed = "\(paths.allowed)/\(unit)"
        return AtMostOnceDropIn.text(for: unit, file: text, allowed: allowed, stop: timing.stop)
    }

    private func dropInFolder(_ unit: UnitName) -> String { linkPath(unit) + ".d" }
    private func dropInPath(_ unit: UnitName) -> String { dropInFolder(unit) + "/50-fleet-at-most-once.conf" }

    private func removeDropIn(_ unit: UnitName) {
        guard unlink(paths.root + dropInPath(unit)) == 0 else { return }
        _ = rmdir(paths.root + dropInFolder(unit))
        stampLinks()
    }

    /// The path under which systemd sees the unit.
    func linkPath(_ unit: UnitName) -> String { paths.links + "/" + unit.description }

    func unitFile(_ unit: UnitName) -> String { paths.units + "/" + unit.description }

    private func link(_ unit: UnitName) throws(SystemdBusError) {
        guard !isOurs(unit) else { return }
        guard try !promote(unit) else { return }
        guard symlink(unitFile(unit), paths.root + linkPath(unit)) == 0 else {
            throw failure("linking", linkPath(unit))
        }
        stampLinks()
    }

    /// systemd looks for new units again only when the folder's time stamp changed, which has the same coarse clock.
    func stampLinks() {
        var now = Self.now
        _ = utimensat(AT_FDCWD, paths.root + paths.links, &now, 0)
    }

    private static var now: [timespec] {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return [time, time]
    }

    func linkTarget(named name: String) -> String? {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(PATH_MAX)) { buffer in
            guard let start = buffer.baseAddress else { return nil }
            let count = readlink(paths.root + paths.links + "/" + name, start, buffer.count)
            guard count > 0 else { return nil }
            return String(decoding: buffer[..<count].lazy.map(UInt8.init(bitPattern:)), as: UTF8.self)
        }
    }

    func makeFolder(_ path: String) throws(SystemdBusError) {
        try Disk.makeFolder(paths.root + path)
    }

    func failure(_ action: String, _ path: String) -> SystemdBusError {
        Disk.failure(action, path)
    }
}
