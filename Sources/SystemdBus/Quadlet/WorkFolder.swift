import Glibc

/// A folder that is made for one piece of work and goes with it.
struct WorkFolder: Sendable {
    let path: String

    /// Makes the folder, readable by root only, and folders in it.
    func make(_ names: [String]) throws(SystemdBusError) {
        try Disk.makeFolder(path)
        for name in names {
            guard mkdir(path + "/" + name, 0o700) == 0 || errno == EEXIST else { throw failure("creating", name) }
        }
    }

    func write(_ text: String, to name: String) throws(SystemdBusError) {
        let file = open(path + "/" + name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard file >= 0 else { throw failure("creating", name) }
        defer { close(file) }
        try Disk.write(Array(text.utf8), to: file, name)
    }

    /// nil for a file that is not there, or not text.
    func read(_ name: String) -> String? {
        guard let bytes = try? Disk.read(path + "/" + name, flags: O_NOFOLLOW) else { return nil }
        return String(validating: bytes, as: UTF8.self)
    }

    /// What cannot be removed stays; it is below `/run` and harms nobody.
    func remove() { Self.remove(path, depth: 4) }

    /// No deeper than the generator makes folders.
    private static func remove(_ path: String, depth: Int) {
        guard unlink(path) != 0, depth > 0, let names = Disk.names(in: path) else { return }
        for name in names { remove(path + "/" + name, depth: depth - 1) }
        _ = rmdir(path)
    }

    private func failure(_ action: String, _ name: String) -> SystemdBusError {
        SystemdBusError(.file, "\(action) \(name) for Quadlet failed: \(errorText(errno))")
    }
}
