import Glibc
import UnitFile

/// The folder with a file for each `AtMostOnce=` unit that systemd may start (`ConditionPathExists=` of its drop-in).
///
/// The fence moves the whole folder away, which is one step. Whoever holds it open from before can no longer allow
/// anything: what is put into a folder that was moved is where no condition looks, and one that was deleted takes
/// nothing. So a start that fleetd was about to make when it was frozen comes to nothing.
final class AllowedFolder {
    /// As this process sees it.
    private let path: String
    private let descriptor: Int32

    /// Opens the folder; makes it first when `isNew`. nil when it is not there.
    init?(at path: String, makingIt isNew: Bool) throws(SystemdBusError) {
        if isNew, mkdir(path, 0o755) != 0, errno != EEXIST { throw Self.failure("creating", path) }
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        if descriptor < 0 {
            if errno == ENOENT { return nil }
            throw Self.failure("opening", path)
        }
        self.path = path
        self.descriptor = descriptor
    }

    deinit { _ = close(descriptor) }

    /// False once the fence has come down.
    var isInPlace: Bool {
        var (mine, there) = (stat(), stat())
        guard fstat(descriptor, &mine) == 0, stat(path, &there) == 0 else { return false }
        return mine.st_ino == there.st_ino && mine.st_dev == there.st_dev
    }

    var units: Set<UnitName> {
        guard let listing = opendir(path) else { return [] }
        defer { closedir(listing) }
        var units: Set<UnitName> = []
        while let entry = readdir(listing) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if let unit = try? UnitName(name) { units.insert(unit) }
        }
        return units
    }

    /// False when the fence has come down, before or meanwhile.
    func add(_ unit: UnitName) throws(SystemdBusError) -> Bool {
        let file = openat(descriptor, unit.description, O_WRONLY | O_CREAT | O_CLOEXEC, 0o644)
        guard file >= 0 else {
            if errno == ENOENT { return false }
            throw Self.failure("creating", "\(path)/\(unit)")
        }
        _ = close(file)
        return isInPlace
    }

    func remove(_ unit: UnitName) throws(SystemdBusError) {
        guard unlinkat(descriptor, unit.description, 0) == 0 || errno == ENOENT else {
            throw Self.failure("removing", "\(path)/\(unit)")
        }
    }

    static func contains(_ unit: UnitName, at path: String) -> Bool { access("\(path)/\(unit)", F_OK) == 0 }

    private static func failure(_ action: String, _ path: String) -> SystemdBusError {
        SystemdBusError(.file, "\(action) \(path) failed: \(errorText(errno))")
    }
}
