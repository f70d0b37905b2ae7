import FleetRuntime
import Glibc
import UnitFile

/// The agent's ledger as files in a folder below `/run`: it outlives fleetd and not the boot. One small JSON file per
/// unit, replaced by renaming, so that a crash leaves the old or the new one.
struct FileLedger: LedgerStore {
    let folder: String

    func values() throws -> [UnitName: [UInt8]] {
        guard let directory = opendir(folder) else {
            if errno == ENOENT { return [:] }
            throw FileError("reading \(folder)", errno)
        }
        defer { closedir(directory) }
        var values: [UnitName: [UInt8]] = [:]
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard name.hasSuffix(Self.suffix), let unit = try? UnitName(String(name.dropLast(Self.suffix.count)))
            else { continue }
            values[unit] = try contents(of: "\(folder)/\(name)")
        }
        return values
    }

    func keep(_ value: [UInt8]?, of unit: UnitName) throws {
        let path = "\(folder)/\(unit)\(Self.suffix)"
        guard let value else {
            guard unlink(path) == 0 || errno == ENOENT else { throw FileError("removing \(path)", errno) }
            return
        }
        guard mkdir(folder, 0o755) == 0 || errno == EEXIST else { throw FileError("making \(folder)", errno) }
        let draft = path + ".new"
        let file = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard file >= 0 else { throw FileError("writing \(draft)", errno) }
        let written = value.withUnsafeBytes { write(file, $0.baseAddress, $0.count) }
        let problem = errno
        close(file)
        guard written == value.count else { throw FileError("writing \(draft)", problem) }
        // No fsync: /run is memory, and what a crash of the kernel loses is not asked for after it.
        guard rename(draft, path) == 0 else { throw FileError("writing \(path)", errno) }
    }

    private static let suffix = ".json"

    private func contents(of path: String) throws -> [UInt8] {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw FileError("reading \(path)", errno) }
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: 64 << 10)
        let count = read(file, &bytes, bytes.count)
        guard count >= 0 else { throw FileError("reading \(path)", errno) }
        return Array(bytes.prefix(count))
    }
}

/// A file that could not be read or written.
struct FileError: Error, CustomStringConvertible {
    let description: String

    init(_ what: String, _ code: Int32) {
        description = "\(what): \(String(cString: strerror(code)))"
    }
}
