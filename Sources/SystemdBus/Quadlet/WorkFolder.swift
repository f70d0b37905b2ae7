import Glibc

/// A folder that is made for one piece of work and goes with it.
struct WorkFolder: Sendable {
    let path: String

    /// Makes the folder, readable by root only, and folders in it.
    func make(_ names: [String]) throws(SystemdBusError) {
        var made = ""
        for part in path.split(separator: "/") {
            made += "/" + part
            guard mkdir(made, 0o755) == 0 || errno == EEXIST else { throw failure("creating", made) }
        }
        for name in names {
            guard mkdir(path + "/" + name, 0o700) == 0 || errno == EEXIST else { throw failure("creating", name) }
        }
    }

    func write(_ text: String, to name: String) throws(SystemdBusError) {
        let file = open(path + "/" + name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard file >= 0 else { throw failure("creating", name) }
        defer { close(file) }
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw failure("writing", name) }
            bytes = bytes.dropFirst(count)
        }
    }

    /// nil for a file that is not there, or not text.
    func read(_ name: String) -> String? {
        let file = open(path + "/" + name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16 * 1024)
        while true {
            let count = Glibc.read(file, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            if count < 0 { return nil }
            if count == 0 { return String(validating: bytes, as: UTF8.self) }
            bytes += chunk[..<count]
        }
    }

    /// What cannot be removed stays; it is below `/run` and harms nobody.
    func remove() { Self.remove(path, depth: 4) }

    /// No deeper than the generator makes folders.
    private static func remove(_ path: String, depth: Int) {
        guard unlink(path) != 0, depth > 0, let folder = opendir(path) else { return }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        closedir(folder)
        for name in names { remove(path + "/" + name, depth: depth - 1) }
        _ = rmdir(path)
    }

    private func failure(_ action: String, _ name: String) -> SystemdBusError {
        SystemdBusError(.file, "\(action) \(name) for Quadlet failed: \(errorText(errno))")
    }
}
