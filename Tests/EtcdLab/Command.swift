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
        let process = Process()
        process.executableURL = URL(fileURLWithPath: words[0])
        process.arguments = Array(words.dropFirst())
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        let (output, errors) = (Pipe(), Pipe())
        process.standardOutput = output
        process.standardError = errors
        let entry = Pipe()
        process.standardInput = input == nil ? FileHandle.nullDevice as Any : entry
        try process.run()
        if let input {
            try entry.fileHandleForWriting.write(contentsOf: Data(input.utf8))
            try entry.fileHandleForWriting.close()
        }
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        let complaint = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw EtcdLabError("\(words.joined(separator: " ")): \(text)\(complaint)")
        }
        return text
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
