import FleetModel
import Testing
import UnitFile

/// What the planner asks of the options.
@Suite struct FleetOptionsTests {
    static let machine = MachineID("0123456789abcdef0123456789abcdef")

    @Test(
        arguments: [
            (nil, true), ("0123456789abcdef0123456789abcdef", true), ("01234567", true), ("0123456", false),
            ("89abcdef", false),
            ("0123456789abcdef0123456789abcde0", false),
        ] as [(String?, Bool)]
    )
    func machineIDs(_ text: String?, _ expected: Bool) throws {
        var options = FleetOptions()
        options.machineID = text.map { MachineText($0) }
        #expect(options.matchesMachineID(try #require(Self.machine), hostname: "m1") == expected)
    }

    @Test func machineSpecifiersInMachineID() throws {
        let machine = try #require(Self.machine)
        let own = try FleetSectionTests.options("MachineID=%m")
        #expect(own.matchesMachineID(machine, hostname: "m1"))
        let host = try FleetSectionTests.options("MachineID=%H")
        #expect(host.matchesMachineID(machine, hostname: "01234567"))
        #expect(!host.matchesMachineID(machine, hostname: "m1"))
    }

    @Test(
        arguments: [
            ("", [:], nil, nil),
            ("MachineMetadata=a=1", ["a": "1"], nil, nil),
            ("MachineMetadata=a=1", ["a": "2"], "a", ["1"]),
            ("MachineMetadata=a=1", [:], "a", ["1"]),
            ("MachineMetadata=a=1\nMachineMetadata=a=0", ["a": "0"], nil, nil),
            ("MachineMetadata=a=1\nMachineMetadata=a=0", ["a": "2"], "a", ["0", "1"]),
            ("MachineMetadata=b=1\nMachineMetadata=a=1", ["a": "1"], "b", ["1"]),
            ("MachineMetadata=b=1\nMachineMetadata=a=1", [:], "a", ["1"]),
            ("MachineMetadata=home=%H", ["home": "m1"], nil, nil),
            ("MachineMetadata=home=%H-%i", ["home": "m1-1"], nil, nil),
            ("MachineMetadata=home=%H", ["home": "m2"], "home", ["m1"]),
            ("MachineMetadata=id=%m", ["id": "0123456789abcdef0123456789abcdef"], nil, nil),
            ("MachineMetadata=a=A", ["a": "a"], "a", ["A"]),
        ] as [(String, [String: String], String?, [String]?)]
    )
    func metadata(_ lines: String, _ actual: [String: String], _ key: String?, _ wanted: [String]?) throws {
        let options = try FleetSectionTests.options(lines)
        let unmatched = options.unmatchedMetadata(machine: try #require(Self.machine), hostname: "m1", metadata: actual)
        #expect(unmatched?.key == key)
        #expect(unmatched?.wanted == wanted)
    }

    @Test func firstConflict() throws {
        let options = try FleetSectionTests.options("Conflicts=a* b.service")
        #expect(options.conflict(with: try UnitName("b.service"))?.description == "b.service")
        #expect(options.conflict(with: try UnitName("ax.service"))?.description == "a*")
        #expect(options.conflict(with: try UnitName("c.service")) == nil)
    }

    @Test func machineTexts() {
        #expect(MachineText(parts: [.literal("a"), .literal(""), .literal("b")]) == MachineText("ab"))
        #expect(MachineText(parts: []).fixed == "")
        #expect(MachineText(parts: [.hostname]).fixed == nil)
        #expect(MachineText(parts: [.literal("x-"), .hostname, .machineID]).description == "x-%H%m")
        let word = "b"
        let text: MachineText = "a\(word)"
        #expect(text == MachineText("ab"))
    }
}
