import Testing

@testable import fleetctl

@Suite struct ArgumentRewriterTests {
    /// `expected` is nil where the arguments are refused.
    struct Case: Sendable {
        var arguments: [String]
        var expected: [String]?

        init(_ arguments: [String], _ expected: [String]?) {
            self.arguments = arguments
            self.expected = expected
        }
    }

    static let cases: [Case] = [
        Case(["list-units"], ["list-units"]),
        Case(["list-m"], ["list-machines"]),
        Case(["sto", "web"], ["stop", "web"]),
        Case(["res", "web"], nil),
        Case(["reset", "web"], ["reset-failed", "web"]),
        Case(["st", "web"], nil),
        Case(["bogus"], nil),
        Case(["list-u"], nil),
        Case(["fd-forward", "/x"], ["fd-forward", "/x"]),
        Case(["fd-f", "/x"], nil),
        Case(["--version"], ["version"]),
        Case(["-v"], ["version"]),
        Case([], []),
        Case(["--help"], ["--help"]),
        Case(["-h"], ["-h"]),
        Case(["help"], ["help"]),
        Case(["help", "list-m"], ["help", "list-machines"]),
        Case(["help", "bogus"], nil),
        Case(["--endpoint", "unix:///x", "list-units", "-l"], ["list-units", "--endpoint", "unix:///x", "-l"]),
        Case(["--endpoint=unix:///x", "start", "a"], ["start", "--endpoint=unix:///x", "a"]),
        Case(["--debug", "version"], ["version", "--debug"]),
        Case(["list-units", "--no-legend=true", "--full=false"], ["list-units", "--no-legend"]),
        Case(["list-units", "--no-legend=maybe"], nil),
        Case(["list-units", "--l"], ["list-units", "-l"]),
        Case(["list-units", "--l=true"], ["list-units", "-l"]),
        Case(["journal", "--f", "web"], ["journal", "-f", "web"]),
        Case(["list-units", "--fields=unit"], ["list-units", "--fields=unit"]),
        Case(["cat", "--", "--l"], ["cat", "--", "--l"]),
    ]

    @Test(arguments: cases)
    func rewrites(_ example: Case) {
        #expect((try? ArgumentRewriter.fleetctl.rewrite(example.arguments)) == example.expected)
    }

    @Test func namesTheCandidates() {
        #expect(throws: Failure.usage("command \"st\" is ambiguous: start, stop, status")) {
            try ArgumentRewriter.fleetctl.rewrite(["st", "web"])
        }
    }
}
