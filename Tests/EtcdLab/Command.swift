import Foundation

/// Runs a program to its end.
package enum Command {
    /// Returns what it wrote to its output. Throws with all it wrote when it failed. No thread of the pool waits for it.
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
        // Files and not pipes: a member that is started meanwhile would inherit a pipe, and its end would not come.
        let paths = ["in", "out", "err"].map { "\(folder)/\($0)" }
        for path in paths { try Data((path == paths[0] ? input ?? "" : "").utf8).write(to: URL(fileURLWithPath: path)) }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: words[0])
        process.arguments = Array(words.dropFirst())
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardInput = FileHandle(forReadingAtPath: paths[0])
        process.standardOutput = FileHandle(forWritingAtPath: paths[1])
        process.standardError = FileHandle(forWritingAtPath: paths[2])
        try process.run()
        process.waitUntilExit()
        let said = try paths.dropFirst().map { try String(contentsOfFile: $0, encoding: .utf8) }
        guard process.terminationStatus == 0 else {
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
