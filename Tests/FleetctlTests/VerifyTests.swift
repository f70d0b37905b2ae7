import FoundationEssentials
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

    // MARK: Quadlet files

    @Test func quadletFilesHaveWarningsToo() async throws {
        try await withFolder { folder in
            try write(
                "[Container]\nImage=x\nNetwork=app.network\nVolume=data.volume:/x\nHealthCmd=/bin/true\n",
                to: folder + "/web.container"
            )
            try write("[Network]\n", to: folder + "/app.network")
            let result = await CommandResult.of(["verify", folder + "/web.container"])
            #expect(result.status == 0)
            let lines = result.errors.split(separator: "\n")
            #expect(
                lines.first
                    == "warning: \(folder)/web.container:4:8: Volume= names data.volume, which does not lie beside this file: it must be stored already",
                "\(result.errors)"
            )
            #expect(lines.count == 2 && lines.last?.contains("HealthOnFailure=") == true, "\(result.errors)")
        }
    }

    /// A generator that prints what podman's does.
    private func generator(_ folder: String, version: String = "5.4.2") throws -> String {
        let program = folder + "/quadlet"
        let script = """
            #!/bin/sh
            if [ "$1" = -version ]; then echo \(version); exit; fi
            for file in "$QUADLET_UNIT_DIRS"/*; do
                name=$(basename "$file")
                if grep -q ExposeHostPort=many "$file"; then
                    echo "quadlet-generator[7]: converting \\"$name\\": invalid port format 'many' in $file" >&2
                fi
            done
            exit 1

            """
        try write(script, to: program)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: program)
        return program
    }

    @Test func podmansGeneratorIsAsked() async throws {
        try await withFolder { folder in
            try write("[Container]\nImage=x\nExposeHostPort=many\n", to: folder + "/bad.container")
            try write("[Container]\nImage=x\nNetwork=app.network\n", to: folder + "/good.container")
            try write("[Network]\n", to: folder + "/app.network")
            let units = try ["bad", "good"].map { try UnitArgument("\(folder)/\($0).container").reference() }
            let program = try generator(folder)
            #expect(
                try await QuadletDryRun.complaints(about: units, program: program) == [
                    "\(folder)/bad.container: podman does not accept it: invalid port format 'many'"
                ]
            )
            #expect(try await QuadletDryRun.complaints(about: units, program: nil) == [])
            // A machine with a newer one may take what this one does not know.
            try write("[Container]\nImage=x\nExposeHostPort=many\nMemory=1G\n", to: folder + "/bad.container")
            let newer = [try UnitArgument("\(folder)/bad.container").reference()]
            #expect(try await QuadletDryRun.complaints(about: newer, program: program) == [])
        }
    }
}
