import FleetModel
import FoundationEssentials
import Synchronization

@testable import fleetctl

/// One run of fleetctl inside the test's process.
struct CommandResult: Sendable {
    var status: Int32
    var output: String
    var errors: String
    var interrupts: [InterruptMeaning] = []
    var requests: [FakeRequest] = []

    /// The time that commands take for now in tests.
    static let now = Timestamp(milliseconds: 1_795_258_800_000)

    static func of(_ arguments: [String], environment: [String: String] = [:]) async -> CommandResult {
        let console = Recorder()
        let interrupts = Interrupts()
        let context = Context(
            console: console,
            environment: environment,
            zone: .utc,
            now: { now },
            onInterrupt: { meaning in interrupts.all.withLock { $0.append(meaning) } }
        )
        let status =
            switch Invocation.start(arguments, in: context) {
            case .finished(let status): status
            case .slow(let rest): await rest()
            }
        let (output, errors) = console.text.withLock { $0 }
        return CommandResult(status: status, output: output, errors: errors, interrupts: interrupts.all.withLock { $0 })
    }
}

private final class Interrupts: Sendable {
    let all = Mutex<[InterruptMeaning]>([])
}

/// Keeps what a command printed.
final class Recorder: Console {
    let text = Mutex((output: "", errors: ""))

    func write(_ text: String) { self.text.withLock { $0.output += text } }
    func complain(_ line: String) { text.withLock { $0.errors += line + "\n" } }
}

/// A folder that is gone after the test.
func withFolder<Result>(_ body: (String) async throws -> Result) async throws -> Result {
    let folder = FileManager.default.temporaryDirectory.path + "/fleetctl-" + UUID().uuidString.prefix(8)
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
    do {
        let result = try await body(folder)
        try FileManager.default.removeItem(atPath: folder)
        return result
    } catch {
        try FileManager.default.removeItem(atPath: folder)
        throw error
    }
}

func write(_ text: String, to path: String) throws {
    try Data(text.utf8).write(to: URL(filePath: path))
}
