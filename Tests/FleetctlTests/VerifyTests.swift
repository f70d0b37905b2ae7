import Testing
import UnitFile

@testable import fleetctl

@Suite struct VerifyTests {
    static func input() throws -> SystemdAnalyze.Input {
        SystemdAnalyze.Input(name: try UnitName("a.service"), file: LocalFile(path: "dir/a.service", text: ""))
    }

    @Test(arguments: [
        ("", true, [], false),
        ("/t/a.service:3: Unknown key 'Foo'\n", false, ["dir/a.service:3: Unknown key 'Foo'"], true),
        (
            "a.service: Command /x is not executable: No such file or directory\n", false,
            ["a.service: Command /x is not executable: No such file or directory (here; it may be on the machine)"],
            false
        ),
        ("note\nnote\n", true, ["note"], false),
    ])
    func verdict(_ output: String, _ isSuccess: Bool, _ lines: [String], _ hasErrors: Bool) throws {
        let verdict = SystemdAnalyze.verdict(output, isSuccess: isSuccess, [try Self.input()], folder: "/t")
        #expect(verdict == SystemdAnalyze.Verdict(lines: lines, hasErrors: hasErrors))
    }

    @Test func filesAreCheckedWithoutTheTool() async throws {
        try await withFolder { folder in
            try write(UnitArgumentTests.file, to: folder + "/good.service")
            try write("[Service]\nExecStart=/bin/true\n[X-Fleet]\nGlobl=true\n", to: folder + "/bad.service")
            let good = await CommandResult.of(["verify", folder + "/good.service"])
            #expect(good.status == 0 && good.errors == "")
            let bad = await CommandResult.of(["verify", folder + "/bad.service", folder + "/good"])
            #expect(bad.status == 1 && bad.errors.hasPrefix("\(folder)/bad.service:4:"))
            let absent = await CommandResult.of(["verify", folder + "/absent.service"])
            #expect(absent.status == 1 && absent.errors.hasSuffix("absent.service: there is no such file\n"))
        }
    }
}
