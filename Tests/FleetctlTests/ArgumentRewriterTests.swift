import Testing

@testable import fleetctl

@Suite struct ArgumentRewriterTests {
    @Test(arguments: [
        (["list-units"], ["list-units"]),
        (["list-m"], ["list-machines"]),
        (["sto", "web"], ["stop", "web"]),
        (["res", "web"], nil),
        (["reset", "web"], ["reset-failed", "web"]),
        (["st", "web"], nil),
        (["bogus"], nil),
        (["fd-forward", "/x"], ["fd-forward", "/x"]),
        (["fd-f", "/x"], nil),
        (["--version"], ["version"]),
        (["-v"], ["version"]),
        ([], []),
        (["--help"], ["--help"]),
        (["-h"], ["-h"]),
        (["help"], ["help"]),
        (["help", "list-m"], ["help", "list-machines"]),
        (["help", "bogus"], nil),
        (["--endpoint", "unix:///x", "list-u", "-l"], ["list-units", "--endpoint", "unix:///x", "-l"]),
        (["--endpoint=unix:///x", "start", "a"], ["start", "--endpoint=unix:///x", "a"]),
        (["--debug", "version"], ["version", "--debug"]),
        (["list-units", "--no-legend=true", "--full=false"], ["list-units", "--no-legend"]),
        (["list-units", "--no-legend=maybe"], nil),
        (["list-units", "--l"], ["list-units", "-l"]),
        (["list-units", "--l=true"], ["list-units", "-l"]),
        (["journal", "--f", "web"], ["journal", "-f", "web"]),
        (["list-units", "--fields=unit"], ["list-units", "--fields=unit"]),
        (["cat", "--", "--l"], ["cat", "--", "--l"]),
    ])
    func rewrites(_ arguments: [String], _ expected: [String]?) {
        #expect((try? ArgumentRewriter.fleetctl.rewrite(arguments)) == expected)
    }

    @Test func namesTheCandidates() {
        #expect(throws: Failure.usage("command \"st\" is ambiguous: start, stop, status")) {
            try ArgumentRewriter.fleetctl.rewrite(["st", "web"])
        }
    }
}
