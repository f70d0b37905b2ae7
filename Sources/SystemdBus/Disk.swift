import CSystemd
import Glibc

/// The few things that are done with files and folders here, each in one place. All of it blocks.
enum Disk {
    /// Makes the folder and those above it that are missing.
    static func makeFolder(_ path: String) throws(SystemdBusError) {
        var made = ""
        for part in path.split(separator: "/") {
            made += "/" + part
            guard mkdir(made, 0o755) == 0 || errno == EEXIST else { throw failure("creating", made) }
        }
    }

    /// The names of what is in a folder, itself and its parent left out; nil with `errno` set when it cannot be opened.
    static func names(in folder: String) -> [String]? {
        guard let listing = opendir(folder) else { return nil }
        defer { closedir(listing) }
        var names: [String] = []
        while let entry = readdir(listing) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    /// `flags` of open(2) are added, such as O_NOFOLLOW.
    static func read(_ path: String, flags: Int32 = 0) throws(SystemdBusError) -> [UInt8] {
        let file = open(path, O_RDONLY | O_CLOEXEC | flags)
        guard file >= 0 else { throw failure("opening", path) }
        defer { close(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16 * 1024)
        while true {
            let count = Glibc.read(file, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw failure("reading", path) }
            if count == 0 { return bytes }
            bytes += chunk[..<count]
        }
    }

    /// Writes everything to an open file; `path` is its name for people.
    static func write(_ bytes: [UInt8], to file: Int32, _ path: String) throws(SystemdBusError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw failure("writing", path) }
            rest = rest.dropFirst(count)
        }
    }

    static func failure(_ action: String, _ path: String) -> SystemdBusError {
        SystemdBusError(.file, "\(action) \(path) failed: \(errorText(errno))")
    }
}
