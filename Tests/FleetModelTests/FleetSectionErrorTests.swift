import FleetModel
import Testing
import UnitFile

/// What is wrong in `[X-Fleet]` is refused with its line and the way out; fleet ignored all of it.
@Suite struct FleetSectionErrorTests {
    static func error(_ lines: String, _ name: String = "web@1.service") -> UnitFileError? {
        do {
            let options = try FleetSectionTests.options(lines, name)
            Issue.record("accepted: \(options)")
            return nil
        } catch {
            return error as? UnitFileError
        }
    }

    @Test(arguments: [
        ("MachineMetaData=a=b", "did you mean MachineMetadata=?"),
        ("machineid=01234567", "did you mean MachineID=?"),
        ("MachineId=01234567", "did you mean MachineID=?"),
        ("Conflict=a.service", "did you mean Conflicts=?"),
        ("X-Conflict=a.service", "did you mean X-Conflicts=?"),
        ("Replace=a.service", "did you mean Replaces=?"),
        ("Globl=yes", "did you mean Global=?"),
        ("AtMostOne=yes", "did you mean AtMostOnce=?"),
        ("RescheduleDelay=5", "did you mean RescheduleDelaySec=?"),
        ("RescheduleLimitInterval=5", "did you mean RescheduleLimitIntervalSec=?"),
        ("RescheduelLimit=5", "did you mean RescheduleLimit=?"),
        ("Description=x", "[X-Fleet] has MachineID= MachineOf="),
        ("Zeppelin=x", "[X-Fleet] has MachineID= MachineOf="),
    ])
    func unknownKeys(_ line: String, _ wayOut: String) {
        let error = Self.error("\n  " + line)
        #expect(error?.line == 3)
        #expect(error?.column == 3)
        #expect(error?.message.contains("unknown key") == true)
        #expect(error?.message.contains(wayOut) == true, "\(error?.message ?? "")")
    }

    @Test(arguments: [
        ("MachineID=xyz", 11, "not a machine id"),
        ("MachineID=0123456", 11, "the 32 hexadecimal digits"),
        ("MachineID=0123456789ABCDEF0123456789ABCDEF", 11, "write MachineID=0123456789abcdef0123456789abcdef"),
        ("MachineID=148a18ff-6e95-4cd8-92da-c9de9bb90d5a", 11, "write MachineID=148a18ff6e954cd892dac9de9bb90d5a"),
        ("MachineID=01234567\nMachineID=89abcdef", 11, "'01234567' in line 2"),
        ("MachineOf=web", 11, "did you mean web.service?"),
        ("MachineOf=web*.service", 11, "patterns do not work there"),
        ("MachineOf=web@.service", 11, "is a template"),
        ("MachineOf=../x.service", 11, "invalid character '/'"),
        ("MachineOf=%n", 11, "is this unit itself"),
        ("MachineOf=db-%H.service", 11, "cannot depend on the machine"),
        ("MachineMetadata=region", 17, "has no '='"),
        ("MachineMetadata=region=eu=west", 17, "more than one '='"),
        ("MachineMetadata=region=eu disk=ssd", 17, "write MachineMetadata=key=value"),
        ("MachineMetadata==eu", 17, "has no key"),
        ("MachineMetadata=region=", 17, "has no value"),
        ("MachineMetadata=\"region=eu\" disk=ssd", 17, "text outside the quotes"),
        ("MachineMetadata=\"region=eu", 17, "not closed"),
        ("MachineMetadata=\"", 17, "not closed"),
        ("MachineMetadata=\"\"", 17, "empty value in quotes"),
        ("MachineMetadata=\"a=b\"\"c=d\"", 17, "no space after a closing quote"),
        ("MachineMetadata=\"a=b\"c", 17, "no space after a closing quote"),
        ("MachineMetadata=%H=x", 17, "depends on the machine"),
        ("MachineMetadata=load=50%", 17, "write %% for a percent sign"),
        ("MachineMetadata=k=%v", 17, "unknown specifier %v"),
        ("Conflicts=[", 11, "is not a pattern"),
        ("Conflicts=a[]b", 11, "is not a pattern"),
        ("Conflicts=a\\ ", 11, "is not a pattern"),
        ("Conflicts=a.service [b", 11, "is not a pattern"),
        ("Replaces=[a-", 10, "is not a pattern"),
        ("Conflicts=x-%m", 11, "cannot depend on the machine"),
        ("Global=maybe", 8, "write yes or no"),
        ("Global=yes please", 8, "write yes or no"),
        ("AtMostOnce=%H", 12, "cannot depend on the machine"),
        ("Reschedule=onfailure", 12, "did you mean on-failure?"),
        ("Reschedule=always", 12, "write one of on-failure, on-machine-loss, never"),
        ("RescheduleLimit=many", 17, "not a number"),
        ("RescheduleLimit=-1", 17, "not a number"),
        ("RescheduleLimit=17", 17, "from 1 to 16"),
        ("RescheduleLimit=99999999999999999999", 17, "not a number"),
        ("RescheduleDelaySec=soon", 20, "write seconds, or units as in 5min 20s"),
        ("RescheduleDelaySec=-5", 20, "not a time span"),
        ("RescheduleDelaySec=0", 20, "at least 100ms"),
        ("RescheduleDelaySec=infinity", 20, "Reschedule=never"),
        ("RescheduleMaxDelaySec=infinity", 23, "Reschedule=never"),
        ("RescheduleLimitIntervalSec=0", 28, "at least 100ms"),
        ("RescheduleLimitIntervalSec=200y", 28, "at most 100 years"),
        ("RescheduleDelaySec=2min\nRescheduleMaxDelaySec=1min", 23, "is less than RescheduleDelaySec= (2min)"),
    ])
    func malformedValues(_ lines: String, _ column: Int, _ part: String) {
        let error = Self.error(lines)
        #expect(error?.line == 1 + lines.split(separator: "\n").count)
        #expect(error?.column == column)
        #expect(error?.message.contains(part) == true, "\(error?.message ?? "")")
    }

    @Test(arguments: [
        ("MachineID=01234567\nMachineOf=a.service", "MachineOf= cannot be used with MachineID= of line 2"),
        ("MachineID=01234567\nConflicts=a.service", "Conflicts= cannot be used with MachineID= of line 2"),
        ("X-Conflicts=a.service\n\nMachineID=01234567", "MachineID= cannot be used with X-Conflicts= of line 2"),
        ("MachineID=01234567\nGlobal=yes", "Global= cannot be used with MachineID= of line 2"),
        ("MachineID=01234567\nReplaces=a.service", "Replaces= cannot be used with MachineID= of line 2"),
        ("Global=yes\nMachineOf=a.service", "MachineOf= cannot be used with Global= of line 2"),
        ("Global=yes\nReplaces=a.service", "Replaces= cannot be used with Global= of line 2"),
        ("Conflicts=b.service\nReplaces=a.service", "Replaces= cannot be used with Conflicts= of line 2"),
        ("AtMostOnce=yes\nGlobal=yes", "Global= cannot be used with AtMostOnce= of line 2"),
        ("MachineOf=db.service\nConflicts=db*", "peer \"db.service\" matches conflict \"db*\""),
        ("MachineOf=db.service\nReplaces=*.service", "peer \"db.service\" matches replace \"*.service\""),
        ("MachineOf=db@%i.service\nConflicts=db@1.service", "peer \"db@1.service\" matches conflict"),
    ])
    func combinations(_ lines: String, _ part: String) {
        let error = Self.error(lines)
        #expect((error?.line ?? 0) > 1)
        #expect(error?.message.contains(part) == true, "\(error?.message ?? "")")
    }

    @Test(arguments: [
        "MachineID=01234567\nMachineMetadata=a=b",
        "MachineID=01234567\nGlobal=no\nAtMostOnce=yes",
        "Global=yes\nConflicts=a.service\nMachineMetadata=a=b",
        "Global=yes\nReschedule=never",
        "MachineOf=a.service\nConflicts=b.service",
        "MachineOf=a.service\nReplaces=b.service",
        "MachineID=01234567\nConflicts=a.service\nConflicts=",
        "AtMostOnce=no\nGlobal=yes",
        "Conflicts=*",
    ])
    func combinationsThatHold(_ lines: String) throws {
        #expect(try FleetSectionTests.options(lines) != FleetOptions())
    }

    @Test(arguments: ["[X-fleet]", "[X-FLEET]", "[X-Flet]", "[XFleet]", "[X-Fleet ]", "[x-fleets]"])
    func misspeltSections(_ header: String) {
        let error = #expect(throws: UnitFileError.self) {
            try FleetSection.parse(ParsedUnitFile.parse("\n \(header)\n"))
        }
        #expect(error?.line == 2)
        #expect(error?.column == 2)
        #expect(error?.message.contains("did you mean [X-Fleet]?") == true)
    }

    @Test func errorsThatDependOnTheNameAreFoundWithIt() throws {
        let file = try ParsedUnitFile.parse("[X-Fleet]\nMachineOf=%i.service\nMachineMetadata=k=%I\n")
        let section = try FleetSection.parse(file)
        #expect(try section.options(for: UnitName("a@b.service")).machineOf == [UnitName("b.service")])
        #expect(throws: UnitFileError.self) { try section.options(for: UnitName("a.service")) }
        let error = #expect(throws: UnitFileError.self) { try section.options(for: UnitName("a@b\\q.service")) }
        #expect(error?.message.contains("%I in MachineMetadata=") == true)
        #expect(error?.line == 3)
    }

    @Test func messagesAreShortAndPrintable() {
        for value in ["\u{1B}[2J[", String(repeating: "[\u{7}", count: 100_000)] {
            let error = Self.error("Conflicts=\(value)")
            #expect((error?.message.unicodeScalars.count ?? .max) < 700)
            #expect(error?.message.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control } == true)
        }
    }

    @Test func tooManyValues() throws {
        let many = String(repeating: "a.service ", count: 256)
        #expect(try FleetSectionTests.options("Conflicts=\(many)").conflicts.count == 256)
        #expect(Self.error("Conflicts=\(many) b.service")?.message.contains("more than 256 values") == true)
    }
}
