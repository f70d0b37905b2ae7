import FoundationEssentials
import Glibc

/// The lab's small files: state that has to outlive the process that wrote it.
enum Files {
    /// The whole text of a file, also of /proc's, or nil when there is none.
    static func text(_ path: String) -> String? {
        guard let data = FileManager.default.contents(atPath: path) else { return nil }
        return String(decoding: data, as: UTF8.self)
    }

    static func write(_ text: String, to path: String) throws {
        guard FileManager.default.createFile(atPath: path, contents: Data(text.utf8)) else {
            throw LabError("\(path) cannot be written")
        }
    }

    /// Writes into a file that exists and stays the same file: a knob of the kernel's.
    static func set(_ path: String, to text: String) throws {
        let descriptor = open(path, O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw LabError("\(path) cannot be opened: error \(errno)") }
        defer { _ = close(descriptor) }
        let written = text.utf8.count
        guard Array(text.utf8).withUnsafeBytes({ Glibc.write(descriptor, $0.baseAddress, $0.count) }) == written else {
            throw LabError("\(path) does not take \(text): error \(errno)")
        }
    }

    static func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

    static func makeDirectory(_ path: String) throws {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    /// Makes a directory that must not exist yet: false when somebody else was first.
    static func claimDirectory(_ path: String) -> Bool {
        (try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)) != nil
    }

    /// Names in a directory, sorted; none when it does not exist.
    static func names(in path: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted()
    }
}
