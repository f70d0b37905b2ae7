import FleetAPI
import FleetModel
import FleetServer
import FoundationEssentials
import Logging
import ServiceLifecycle
import Testing
import UnitFile

/// The server on a socket of its own, for the time of one test.
struct LiveServer: Sendable {
    let control: FakeControl
    let path: String
    let services: ServiceGroup

    /// Runs `body` with a server that listens, and stops it afterwards as systemd would.
    static func run(
        explainer: any PlacementExplainer = FakeExplainer(),
        limits: ServerLimits = ServerLimits(),
        isActivated: Bool = false,
        _ body: (LiveServer) async throws -> Void
    ) async throws {
        let control = FakeControl()
        let folder = FileManager.default.temporaryDirectory.path + "/fleet-server-" + UUID().uuidString.prefix(8)
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let path = folder + "/fleet.sock"
        let (listening, continuation) = AsyncStream<Void>.makeStream()
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let server = FleetServer(
            control: control,
            explainer: explainer,
            sockets: [isActivated ? .descriptor(try RawClient.listen(path)) : .path(path)],
            limits: limits,
            logger: logger,
            onListening: { continuation.finish() }
        )
        let services = ServiceGroup(services: [server], logger: logger)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask {
                defer { continuation.finish() }
                try await services.run()
            }
            for await _ in listening {}
            try await body(LiveServer(control: control, path: path, services: services))
            await services.triggerGracefulShutdown()
            try await tasks.waitForAll()
        }
    }

    /// What systemd's stop comes to.
    func stop() async { await services.triggerGracefulShutdown() }

    func connect() throws -> RawClient { try RawClient(path: path) }

    /// One request on a connection of its own.
    func ask(
        _ method: String,
        _ target: String,
        _ body: String? = nil,
        headers: [String] = ["Content-Type: application/json"]
    ) async throws -> RawResponse {
        let client = try connect()
        try await client.send(Self.request(method, target, body, headers: headers))
        return try RawResponse(await client.receive())
    }

    static func request(
        _ method: String,
        _ target: String,
        _ body: String? = nil,
        headers: [String] = ["Content-Type: application/json"],
        connection: String = "close"
    ) -> String {
        var lines = ["\(method) \(target) HTTP/1.1", "Host: fleet", "Connection: \(connection)"]
        if let body { lines += headers + ["Content-Length: \(body.utf8.count)"] }
        return lines.joined(separator: "\r\n") + "\r\n\r\n" + (body ?? "")
    }

    /// Stores a unit the way a user would.
    func submit(_ name: String, _ text: String = LiveServer.simple, action: String = "submit") async throws {
        let answer = try await change(action, name, text: text)
        #expect(answer.last?.kind == .done)
    }

    /// A change that nobody waits for.
    func change(_ action: String, _ name: String, text: String? = nil, wait: Bool = false) async throws
        -> [ChangeProgress]
    {
        let answer = try await ask("POST", "/fleet/v2/change", Self.changeBody(action, name, text: text, wait: wait))
        #expect(answer.status == 200, "\(answer.body)")
        return try Self.lines(answer.body)
    }

    static func changeBody(_ action: String, _ name: String, text: String? = nil, wait: Bool = false) throws -> String {
        let request = ChangeRequest(
            action: try #require(ChangeRequest.Action(rawValue: action)),
            units: [UnitReference(name: try UnitName(name), text: text)],
            wait: wait
        )
        return String(decoding: try JSONEncoder().encode(request), as: UTF8.self)
    }

    static func lines(_ body: String) throws -> [ChangeProgress] {
        try body.split(separator: "\n").map { try JSONDecoder().decode(ChangeProgress.self, from: Data($0.utf8)) }
    }

    static let simple = "[Unit]\nDescription=A web server\n[Service]\nExecStart=/bin/sleep 1\n"
}

/// Polls until `condition` holds.
func eventually(_ what: String, _ condition: () async throws -> Bool) async throws {
    let deadline = ContinuousClock.now + .seconds(20)
    while try await !condition() {
        guard ContinuousClock.now < deadline else { throw RawClient.Failure(description: "never came: \(what)") }
        // Not a wait: the pause between two looks of a poll that has a deadline.
        try await Task.sleep(for: .milliseconds(5))
    }
}
