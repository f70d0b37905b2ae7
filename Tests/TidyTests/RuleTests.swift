import Testing

/// Every rule finds what it is there for, and leaves its neighbours alone.
@Suite struct RuleTests {
    struct Sample: CustomTestStringConvertible {
        var path = "Sources/FleetPlanner/Sample.swift"
        var text: String
        /// Lines with findings.
        var lines: [Int]

        var testDescription: String { "\(path): \(text.prefix(60))" }

        init(_ text: String, _ lines: [Int], at path: String = "Sources/FleetPlanner/Sample.swift") {
            self.path = path
            self.text = text + "\n"
            self.lines = lines
        }
    }

    private func lines(_ sample: Sample, _ check: (SourceText) -> [Finding]) -> [Int] {
        check(SourceText(path: sample.path, text: sample.text)).map(\.line)
    }

    @Test(arguments: [
        Sample("let a = 1", []),
        Sample(String(repeating: "x", count: 121), [1]),
        Sample(String(repeating: "x", count: 120), []),
        Sample(Array(repeating: "let a = 1", count: 601).joined(separator: "\n"), [600]),
        Sample("func f() {\n" + String(repeating: "    g()\n", count: 68) + "}", []),
        Sample("func f() {\n" + String(repeating: "    g()\n", count: 69) + "}", [1]),
        Sample("func f(\n    a: Int\n) {\n" + String(repeating: "    { g() }()\n", count: 67) + "}", [1]),
        Sample("protocol P {\n    func f()\n    func g()\n}\n" + String(repeating: "let a = 1\n", count: 90), []),
    ]) func sizes(sample: Sample) { #expect(lines(sample, Checks.sizes) == sample.lines) }

    @Test func aMissingLastLineBreakIsFound() {
        #expect(Checks.sizes(SourceText(path: "Sources/FleetModel/A.swift", text: "let a = 1")).count == 1)
    }

    @Test(arguments: [
        Sample("import FleetModel\npackage import UnitFile", []),
        Sample("import FleetRuntime", [1]),
        Sample("import Logging", [1]),
        Sample("import FoundationEssentials", [1]),
        Sample("import FoundationEssentials", [], at: "Sources/FleetRegistry/Codec.swift"),
        Sample("import Foundation", [1], at: "Sources/FleetServer/A.swift"),
        Sample("import NIOCore", [], at: "Sources/FleetServer/A.swift"),
        Sample("package import struct SQLiteStore.Store", [1], at: "Sources/FleetRuntime/A.swift"),
        Sample("import ServiceLifecycle", [], at: "Sources/FleetRuntime/A.swift"),
        Sample("// import Foundation", []),
    ]) func imports(sample: Sample) { #expect(lines(sample, Checks.imports) == sample.lines) }

    @Test(arguments: [
        Sample("func f() async {}", [1]),
        Sample("let t = Task { }", [1]),
        Sample("let now = Date()", [1]),
        Sample("let clock = ContinuousClock()", [1]),
        Sample("let a = b.randomElement()", [1]),
        Sample("print(1)", [1]),
        Sample("func print() -> String { file.print() }", []),
        Sample("// no async here\nlet a = \"await\"", []),
        Sample("let update = taskless(dateOf: printed)", []),
        Sample("let a = \"\"\"\n    Task\n    \"\"\"\nlet b = Task", [4]),
        Sample("let a = \"\\(f(\"x\"))\"; print(a)", [1]),
        Sample("/* await\n await */ let a = 1", []),
        Sample("func f() async {}", [], at: "Sources/FleetRuntime/A.swift"),
    ]) func purity(sample: Sample) { #expect(lines(sample, Checks.purity) == sample.lines) }

    @Test(arguments: [
        Sample("let node = 1", [1]),
        Sample("let leaderNodes = 1", [1]),
        Sample("// The node that leads.", [1]),
        Sample("let a = \"node\"", []),
        Sample("struct UnitManager {}", []),
        Sample("struct LeaseManager {}", [1]),
        Sample("/// systemd's manager says so.", []),
        Sample("let job = 1", [1]),
        Sample("let job = 1", [], at: "Sources/SystemdBus/A.swift"),
        Sample("let job = 1", [], at: "Tests/SystemdBusTests/A.swift"),
        Sample("let anode = denoted", []),
        Sample("let server = 1", [1]),
        Sample("let server = 1", [], at: "Tests/FleetctlTests/A.swift"),
        Sample("struct JournalLogHandler: LogHandler {}", []),
        Sample("struct ClickHandler {}", [1]),
    ]) func words(sample: Sample) { #expect(lines(sample, Checks.words) == sample.lines) }

    @Test(arguments: [
        Sample("let a = try! f()", [1]),
        Sample("fatalError()", [1]),
        Sample("fatalError(\"with \\(state)\")", []),
    ]) func bannedCode(sample: Sample) { #expect(lines(sample, Checks.bannedCode) == sample.lines) }

    @Test(arguments: [
        Sample("let a = b!", [1]),
        Sample("let a = b()!.c", [1]),
        Sample("var a: Int!", [1]),
        Sample("if !a && a != b { }", []),
        Sample("#if !canImport(X)", []),
        Sample("let a = \"Hello!\"", []),
    ]) func forceUnwraps(sample: Sample) { #expect(lines(sample, Checks.forceUnwraps) == sample.lines) }

    @Test(arguments: [
        Sample("final class A: @unchecked Sendable {}", [1]),
        Sample("// Only the queue touches it.\nfinal class A: @unchecked Sendable {}", []),
    ]) func proofs(sample: Sample) { #expect(lines(sample, Checks.proofs) == sample.lines) }

    @Test(arguments: [
        Sample("try await Task.sleep(for: .seconds(1))", [1], at: "Tests/FleetRuntimeTests/A.swift"),
        Sample("try await clock.sleep(for: interval)", [], at: "Tests/Lab/Eventually.swift"),
        Sample("let unit = \"ExecStart=/bin/sleep 1\"", [], at: "Tests/SystemTests/A.swift"),
    ]) func sleeps(sample: Sample) { #expect(lines(sample, Checks.sleeps) == sample.lines) }

    @Test func notesAreFound() {
        let note = "TO" + "DO"
        #expect(lines(Sample("// \(note): later", []), Checks.notes) == [1])
        #expect(lines(Sample("let a = \"\(note)\"", []), Checks.notes).isEmpty)
    }
}
