import CSystemd
import FleetModel
import Glibc
import Synchronization
import UnitFile

/// The folders that volumes are on this machine, and which units keep to which.
final class VolumeFolders: Sendable {
    private let paths: SystemdPaths
    private let watched = Mutex<[UnitName: [VolumeName]]>([:])
    private let doubt = Mutex(VolumeDoubt())

    init(_ paths: SystemdPaths) { self.paths = paths }

    /// True when that is news.
    func watch(_ volumes: [VolumeName], of unit: UnitName) -> Bool {
        watched.withLock { watched in
            let new = volumes.isEmpty ? nil : volumes
            guard watched[unit] != new else { return false }
            watched[unit] = new
            return true
        }
    }

    /// What volumes hold, as far as that is known.
    struct Held {
        /// The volumes that hold data, or may: nothing is lost when they are kept for nothing.
        var volumes: [UnitName: [VolumeName]] = [:]
        /// Those among them that podman has not been asked about since the unit's last news.
        var unclear: [UnitName: [VolumeName]] = [:]
    }

    /// Which volumes of these units hold data, on a thread of its own: a folder may be on a file system that does not
    /// answer. Units that keep to none are missing from the answer.
    func held(by units: [UnitName]) async -> Held {
        let wanted = watched.withLock { watched in
            units.reduce(into: [UnitName: [VolumeName]]()) { $0[$1] = watched[$1] }
        }
        guard !wanted.isEmpty else { return Held() }
        let said = doubt.withLock { doubt in
            wanted.keys.reduce(into: [UnitName: Set<VolumeName>]()) { $0[$1] = doubt.emptyVolumes(of: $1) }
        }
        return await OwnThread.run {
            var held = Held()
            for (unit, volumes) in wanted {
                var unclear: [VolumeName] = []
                held.volumes[unit] = volumes.filter { volume in
                    if self.holdsData(volume) { return true }
                    guard volume.statePath == nil else { return false }
                    guard let empty = said[unit] else {
                        unclear.append(volume)
                        return true
                    }
                    return !empty.contains(volume)
                }
                if !unclear.isEmpty { held.unclear[unit] = unclear }
            }
            return held
        }
    }

    /// Something has happened to the unit: what podman said of its volumes is old.
    func doubt(_ unit: UnitName) { doubt.withLock { $0.doubt(unit) } }

    /// What podman is to be asked; nil for nothing.
    func question(about unclear: [UnitName: [VolumeName]]) -> VolumeDoubt.Question? {
        doubt.withLock { $0.question(about: unclear) }
    }

    /// Returns the units that are to be looked at again.
    func answer(_ question: VolumeDoubt.Question, areEmpty: Set<VolumeName>) -> [UnitName] {
        doubt.withLock { $0.answer(question, areEmpty: areEmpty) }
    }

    /// A folder that cannot be read counts as holding data.
    func holdsData(_ volume: VolumeName) -> Bool {
        guard let listing = opendir(folder(of: volume)) else { return errno != ENOENT }
        defer { closedir(listing) }
        while let entry = readdir(listing) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { return true }
        }
        return false
    }

    /// All of podman's volumes that have a name, and those of `states` that exist, measured.
    func inventory(with states: [VolumeName]) async -> FoundVolumes {
        await OwnThread.run {
            let podman = (Disk.names(in: self.paths.root + self.paths.volumes) ?? []).sorted()
                .compactMap { try? VolumeName($0) }.filter { $0.statePath == nil && !Self.isAnonymous($0) }
            var copies: [VolumeName: VolumeCopy] = [:]
            // What units of the fleet have comes before all that podman has beside.
            let all = states + podman
            for volume in all.prefix(VolumeLimits.volumes) {
                copies[volume] = VolumeMeasure.measure(self.folder(of: volume))
                if volume.statePath == nil { copies[volume]?.created = self.created(volume) }
            }
            let omitted = all.count - VolumeLimits.volumes
            return FoundVolumes(copies, omitted: omitted > 0 ? omitted : nil)
        }
    }

    /// podman's own names are 64 hexadecimal digits, and such a volume goes with its container.
    private static func isAnonymous(_ volume: VolumeName) -> Bool {
        let name = volume.description.utf8
        return name.count == 64 && name.allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
    }

    /// podman makes the folder of the data in one of the volume's name, which it leaves alone then.
    private func created(_ volume: VolumeName) -> Timestamp? {
        var status = stat()
        guard stat("\(paths.root)\(paths.volumes)/\(volume)", &status) == 0 else { return nil }
        return Timestamp(milliseconds: Int64(status.st_mtim.tv_sec) * 1000)
    }

    private func folder(of volume: VolumeName) -> String {
        if let path = volume.statePath { return "\(paths.root)\(paths.state)/\(path)" }
        return "\(paths.root)\(paths.volumes)/\(volume)/_data"
    }
}

/// Bounds of looking at volumes.
enum VolumeLimits {
    /// Volumes of one machine: what one registry value holds with ease (80 bytes each).
    static let volumes = 1000
    /// Files counted of one volume: about a second's work on a disk. Beyond that its size is "at least".
    static let files = 200_000
}

/// Counts what a folder takes on the disk.
enum VolumeMeasure {
    /// nil when there is no such folder. Stays on the folder's file system, and follows no links inside.
    static func measure(_ folder: String) -> VolumeCopy? {
        var root = stat()
        guard stat(folder, &root) == 0, root.st_mode & S_IFMT == S_IFDIR else { return nil }
        var copy = VolumeCopy(bytes: 0)
        var open = [folder]
        var files = 0
        while let next = open.popLast() {
            guard let names = Disk.names(in: next) else {
                copy.isMore = true
                continue
            }
            for name in names {
                files += 1
                guard files <= VolumeLimits.files else {
                    copy.isMore = true
                    return copy
                }
                var status = stat()
                let path = next + "/" + name
                guard lstat(path, &status) == 0, status.st_dev == root.st_dev else { continue }
                copy.bytes += Int64(status.st_blocks) * 512
                if status.st_mode & S_IFMT == S_IFDIR { open.append(path) }
            }
        }
        return copy
    }
}
