package import FleetRegistry
import FleetRuntime
import Glibc

/// The machine's leases in a file in `/run`, which a boot clears.
package struct LeaseFile: LeaseMemory {
    private let path: String

    package init(path: String = "/run/fleet/lease") { self.path = path }

    /// A file that cannot be read is none: what hangs on the leases is then waited for.
    package func leases() -> OwnLeases {
        guard let bytes = try? Disk.read(path) else { return OwnLeases() }
        return OwnLeases(text: String(decoding: bytes, as: UTF8.self))
    }

    package func keep(_ leases: OwnLeases) throws {
        if let slash = path.lastIndex(of: "/") { try Disk.makeFolder(String(path[..<slash])) }
        let draft = path + ".draft"
        let descriptor = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Disk.failure("creating", draft) }
        defer { close(descriptor) }
        try Disk.write(Array(leases.text.utf8), to: descriptor, draft)
        guard rename(draft, path) == 0 else { throw Disk.failure("renaming", draft) }
    }
}
