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
        guard let names = Disk.names(in: folder) else {
            if errno == ENOENT { return [:] }
            throw Disk.failure("opening", folder)
        }
        var values: [UnitName: [UInt8]] = [:]
        for name in names {
            // A draft's name is no unit name.
            guard let unit = try? UnitName(name) else { continue }
            values[unit] = try Disk.read(path(unit))
        }
        return values
    }

    package func keep(_ value: [UInt8]?, of unit: UnitName) throws {
        guard let value else {
            guard unlink(path(unit)) == 0 || errno == ENOENT else { throw Disk.failure("removing", path(unit)) }
            return
        }
        try Disk.makeFolder(folder)
        // One writer, so one draft; its name is no unit name.
        let draft = folder + "/.draft"
        let descriptor = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Disk.failure("creating", draft) }
        do throws(SystemdBusError) {
            defer { close(descriptor) }
            try Disk.write(value, to: descriptor, draft)
            if isDurable, fsync(descriptor) != 0 { throw Disk.failure("syncing", draft) }
            guard rename(draft, path(unit)) == 0 else { throw Disk.failure("renaming", draft) }
        } catch {
            _ = unlink(draft)
            throw error
        }
    }

    private func path(_ unit: UnitName) -> String { folder + "/" + unit.description }
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
