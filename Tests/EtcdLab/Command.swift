import Foundation
import Glibc

/// Runs a program to its end.
package enum Command {
    /// Returns what it wrote to its output, and throws with all it wrote when it failed. No thread of the pool waits.
    @discardableResult
    package static func run(
        _ words: [String],
        environment: [String: String] = [:],
        input: String? = nil
    ) async throws -> String {
        try await withCheckedThrowingContinuation { done in
            DispatchQueue.global().async {
                done.resume(with: Result { try wait(words, environment, input) })
            }
        }
    }

    private static func wait(_ words: [String], _ environment: [String: String], _ input: String?) throws -> String {
        let folder = try TestFolder.make("command")
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let paths = ["in", "out", "err"].map { "\(folder)/\($0)" }
        for path in paths { try Data((path == paths[0] ? input ?? "" : "").utf8).write(to: URL(fileURLWithPath: path)) }
        let descriptors = paths.map { open($0, O_RDWR | O_CLOEXEC) }
        defer { for descriptor in descriptors { close(descriptor) } }
        let process = try spawn(words, environment: environment, descriptors)
        var status: Int32 = 0
        guard waitpid(process, &status, 0) == process else { throw POSIXError(.ECHILD) }
        let said = try paths.dropFirst().map { try String(contentsOfFile: $0, encoding: .utf8) }
        guard status == 0 else {
            throw EtcdLabError("\(words.joined(separator: " ")): \(said.joined())")
        }
        return said[0]
    }
}

/// Folders of a test's own, in memory where that is possible, so that a busy disk makes no test slow.
package enum TestFolder {
    package static func make(_ name: String) throws -> String {
        let files = FileManager.default
        let memory = "/dev/shm"
        let parent = files.isWritableFile(atPath: memory) ? memory : files.temporaryDirectory.path
        let path = "\(parent)/fleet-\(name)-\(UUID())"
        try files.createDirectory(atPath: path, withIntermediateDirectories: true)
        return path
    }
}
