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
        ("/t/b.service:3: Unknown key 'Foo'\nb.service: Refusing.\n/lib/c.service:1: bad\n", false, [], false),
        ("a.service: b.service: bad\n", false, ["a.service: b.service: bad"], true),
    ])
    func verdict(_ output: String, _ isSuccess: Bool, _ lines: [String], _ hasErrors: Bool) throws {
        let verdict = SystemdAnalyze.verdict(output, isSuccess: isSuccess, [try Self.input()], folder: "/t")
        #expect(verdict == SystemdAnalyze.Verdict(lines: lines, hasErrors: hasErrors))
    }

    @Test(
        arguments: [
            ("x.socket", "[Socket]\nListenStream=1\n", "x.service"),
            ("x.socket", "[Socket]\nListenStream=1\nService=y.service\n", "y.service"),
            ("x.socket", "[Socket]\nListenStream=1\nAccept=yes\n", "x@.service"),
            ("x@1.socket", "[Socket]\nListenStream=1\nService=%p-%i.service\n", "x-1.service"),
            ("x.timer", "[Timer]\nOnCalendar=daily\n", "x.service"),
            ("x.path", "[Path]\nPathExists=/x\nUnit=y.target\n", nil),
            ("x.service", "[Service]\nExecStart=/bin/true\n", nil),
        ] as [(String, String, String?)]
    )
    func triggered(_ name: String, _ text: String, _ other: String?) async throws {
        try await withFolder { folder in
            let path = folder + "/" + name
            let input = SystemdAnalyze.Input(name: try UnitName(name), file: LocalFile(path: path, text: text))
            let standIns = try TriggeredUnit.files(for: [input])
            #expect(standIns.map(\.name.description) == (other.map { [$0] } ?? []))
            guard let other else { return }
            try write("# beside\n", to: folder + "/" + other)
            #expect(try TriggeredUnit.files(for: [input]).map(\.file.text) == ["# beside\n"])
            let both = [input, SystemdAnalyze.Input(name: try UnitName(other), file: input.file)]
            #expect(try TriggeredUnit.files(for: both) == [])
        }
    }

    /// With the tool, where it is installed.
    @Test func aSocketAlone() async throws {
        try await withFolder { folder in
            try write("[Socket]\nListenStream=/run/x.sock\n", to: folder + "/x.socket")
            let path = ["PATH": "/usr/bin:/bin"]
            let alone = await CommandResult.of(["verify", folder + "/x.socket"], environment: path)
            #expect(alone.status == 0 && alone.errors == "", "\(alone.errors)")
            try write("[Service]\nExecStart=/bin/true\nFoo=1\n", to: folder + "/x.service")
            let beside = await CommandResult.of(["verify", folder + "/x.socket"], environment: path)
            #expect(beside.status == 0 && beside.errors == "", "\(beside.errors)")
        }
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
