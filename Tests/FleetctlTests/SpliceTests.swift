import FleetAPI
import Glibc
import Synchronization
import Testing

@testable import fleetctl

@Suite struct SpliceTests {
    @Test func carriesARequestAndItsAnswer() async throws {
        let fleetd = try await FakeFleetd { _ in .json(VersionReport(version: "9.9")) }
        var input: [Int32] = [0, 0]
        var output: [Int32] = [0, 0]
        #expect(pipe(&input) == 0 && pipe(&output) == 0)
        let request = "GET /fleet/v2/version HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        #expect(Process.write(request, to: input[1]))
        let console = Recorder()
        var context = Context(
            console: console,
            environment: [:],
            zone: .utc,
            now: { Fixture.now },
            onInterrupt: { _ in }
        )
        context.input = input[0]
        context.output = output[1]
        guard case .finished(0) = Invocation.start(["fd-forward", fleetd.socket], in: context) else {
            Issue.record("fd-forward did not end well: \(console.text.withLock { $0.errors })")
            return
        }
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = read(output[0], &buffer, buffer.count)
        #expect(String(decoding: buffer[..<max(count, 0)], as: UTF8.self).contains("{\"version\":\"9.9\"}"))
        for descriptor in input + output { #expect(close(descriptor) == 0) }
        await fleetd.stop()
    }

    @Test func aMissingSocketIsAFailure() async {
        let result = await CommandResult.of(["fd-forward", "/nonexistent/fleet.sock"])
        #expect(result.status == 1)
        #expect(result.errors == "fleetctl: cannot connect to /nonexistent/fleet.sock: No such file or directory\n")
    }
}
