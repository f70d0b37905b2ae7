import CSystemd
import FleetRuntime
import Glibc
package import UnitFile

/// The ledger in a folder, `/run/fleet/ledger` by default: one file per unit, named as the unit (a suffix would make
/// the longest unit names too long for a file name).
///
/// Files are replaced by rename. They are not synced: `/run` is in memory and has to survive this process, not the
/// machine.
package struct FileLedger: LedgerStore {
    private let folder: String
    fileprivate var isDurable = false

    package init(folder: String = "/run/fleet/ledger") { self.folder = folder }

    package func values() throws -> [UnitName: [UInt8]] {
        guard let listing = opendir(folder) else {
            if errno == ENOENT { return [:] }
            throw failure("opening", folder)
        }
        defer { closedir(listing) }
        var values: [UnitName: [UInt8]] = [:]
        while let entry = readdir(listing) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            // Drafts and the folder's own entries are no unit names.
            guard let unit = try? UnitName(name) else { continue }
            values[unit] = try read(path(unit))
        }
        return values
    }

    package func keep(_ value: [UInt8]?, of unit: UnitName) throws {
        guard let value else {
            guard unlink(path(unit)) == 0 || errno == ENOENT else { throw failure("removing", path(unit)) }
            return
        }
        try makeFolder()
        // One writer, so one draft; its name is no unit name.
        let draft = folder + "/.draft"
        let descriptor = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure("creating", draft) }
        do throws(SystemdBusError) {
            defer { close(descriptor) }
            try write(value, to: descriptor, draft)
            if isDurable, fsync(descriptor) != 0 { throw failure("syncing", draft) }
            guard rename(draft, path(unit)) == 0 else { throw failure("renaming", draft) }
        } catch {
            _ = unlink(draft)
            throw error
        }
    }

    private func path(_ unit: UnitName) -> String { folder + "/" + unit.description }

    private func read(_ path: String) throws(SystemdBusError) -> [UInt8] {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw failure("opening", path) }
        defer { close(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = Glibc.read(file, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw failure("reading", path) }
            if count == 0 { return bytes }
            bytes += chunk[..<count]
        }
    }

    private func write(_ value: [UInt8], to descriptor: Int32, _ path: String) throws(SystemdBusError) {
        var bytes = value[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw failure("writing", path) }
            bytes = bytes.dropFirst(count)
        }
    }

    private func makeFolder() throws(SystemdBusError) {
        var made = ""
        for part in folder.split(separator: "/") {
            made += "/" + part
            guard mkdir(made, 0o755) == 0 || errno == EEXIST else { throw failure("creating", made) }
        }
    }

    private func failure(_ action: String, _ path: String) -> SystemdBusError {
        SystemdBusError(.file, "\(action) \(path) failed: \(errorText(errno))")
    }
}

/// The same in a folder on a disk: synced, and on a thread of its own for as long as that takes.
package struct DurableFileLedger: DurableLedger {
    private let files: FileLedger

    package init(folder: String) {
        var files = FileLedger(folder: folder)
        files.isDurable = true
        self.files = files
    }

    package func values() async throws -> [UnitName: [UInt8]] {
        try await OwnThread.run { [files] in Result { try files.values() } }.get()
    }

    package func keep(_ values: [UnitName: [UInt8]?]) async throws {
        let failure = await OwnThread.run { [files] in
            var failure: (any Error)?
            for (unit, value) in values.sorted(by: { $0.key < $1.key }) {
                do { try files.keep(value, of: unit) } catch { failure = failure ?? error }
            }
            return failure
        }
        if let failure { throw failure }
    }
}
