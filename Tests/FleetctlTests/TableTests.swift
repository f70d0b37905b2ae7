import FleetAPI
import FleetModel
import Testing
import UnitFile

@testable import fleetctl

@Suite struct TableTests {
    /// Expected texts are what Go's text/tabwriter prints with (0, 8, 1, '\t', 0).
    @Test(arguments: [
        ([["a", "b"], ["c", "d"]], "a\tb\nc\td\n"),
        ([["1234567", "b"], ["c", "d"]], "1234567\tb\nc\td\n"),
        ([["12345678", "b"], ["c", "d"]], "12345678\tb\nc\t\td\n"),
        ([["UNIT", "MACHINE", "ACTIVE"], ["web.service", "-", "-"]], "UNIT\t\tMACHINE\tACTIVE\nweb.service\t-\t-\n"),
        ([["ä123456", "b"], ["12345678", "d"]], "ä123456\t\tb\n12345678\td\n"),
        ([["only"]], "only\n"),
        ([], ""),
    ])
    func tabWriter(_ rows: [[String]], _ expected: String) {
        #expect(Table(rows: rows).render() == expected)
    }

    @Test func listUnits() throws {
        let one = try Fixture.machine("1")
        let two = try Fixture.machine("2", ip: "", host: "")
        let global = try Fixture.row(
            "global.service",
            isGlobal: true,
            assigned: [two, one],
            states: [
                .init(machine: two, status: Fixture.status(active: "failed", sub: "failed")),
                .init(machine: one, status: Fixture.status()),
            ]
        )
        let rows = UnitTable.rows(
            UnitListing(units: [
                try Fixture.running(), global, try Fixture.row("stored.service", target: .inactive),
                try Fixture.row("nowhere.service", blocked: "no machine"),
                try Fixture.row("coming.service", assigned: [one]),
            ])
        )
        let listing = UnitTable.listing
        #expect(
            try listing.render(rows, columns: listing.columns(of: nil), layout: Layout()) == """
                UNIT\t\tMACHINE\t\t\tACTIVE\tSUB
                coming.service\t11111111.../10.0.0.1\t-\t-
                global.service\t11111111.../10.0.0.1\tactive\trunning
                global.service\t22222222...\t\tfailed\tfailed
                nowhere.service\t-\t\t\t-\t-
                web.service\t11111111.../10.0.0.1\tactive\trunning

                """
        )
    }

    /// Scripts that were written for old fleet see its columns as long as there is nothing that it did not know.
    @Test func theKindIsShownWhereAUnitComesFromAQuadletFile() throws {
        var web = try Fixture.running()
        func lines(_ units: [UnitListing.Row]) throws -> [String] {
            let rows = UnitTable.rows(UnitListing(units: units))
            let listing = UnitTable.listing(of: rows)
            let text = try listing.render(rows, columns: listing.columns(of: nil), layout: Layout())
            return text.split(separator: "\n").map { $0.split(whereSeparator: \.isWhitespace).joined(separator: " ") }
        }
        #expect(try lines([web]).first == "UNIT MACHINE ACTIVE SUB")
        web.source = try QuadletName("web.container")
        let other = try Fixture.row("stored.service", target: .inactive)
        #expect(try lines([other]).first == "UNIT MACHINE ACTIVE SUB")
        #expect(
            try lines([web, Fixture.row("a.timer"), other]) == [
                "UNIT MACHINE ACTIVE SUB KIND", "a.timer - - - timer",
                "web.service 11111111.../10.0.0.1 active running container",
            ]
        )
    }

    @Test func fieldsAreInTheGivenOrderAndMayRepeat() throws {
        let listing = UnitTable.listing
        let columns = try listing.columns(of: "sub,unit,sub,hash")
        let rows = UnitTable.rows(UnitListing(units: [try Fixture.running()]))
        let hash = ContentHash(of: "text")
        #expect(
            listing.render(rows, columns: columns, layout: Layout(hasLegend: false))
                == "running\tweb.service\trunning\t\(hash.short)\n"
        )
        #expect(
            listing.render(
                rows,
                columns: try listing.columns(of: "machine,hash"),
                layout: Layout(isFull: true, hasLegend: false)
            )
                == "\(String(repeating: "1", count: 32))/10.0.0.1\t\(hash)\n"
        )
    }

    @Test func badFieldsAreNamed() throws {
        #expect(throws: Failure.usage("Must define output format")) { try UnitTable.listing.columns(of: "") }
        let error = #expect(throws: Failure.self) { try UnitTable.listing.columns(of: "unit,x") }
        #expect(error?.text.hasPrefix("fleetctl: Invalid key in output format: \"x\"") == true)
        #expect(error?.status == 2)
    }

    @Test func listMachines() throws {
        func row(_ digit: String, _ metadata: [String: String], state: MachineState = .ready) throws
            -> MachineListing.Row
        {
            MachineListing.Row(
                machine: try Fixture.machine(digit, ip: digit == "1" ? "" : "10.0.0.2"),
                metadata: metadata,
                state: state,
                stateSince: state == .lost ? nil : Timestamp(milliseconds: 0),
                version: "2.0.0",
                systemdVersion: "252",
                podman: digit == "1" ? PodmanVersion(5, 4) : nil,
                units: 3,
                since: nil
            )
        }
        let machines = MachineListing(machines: [
            try row("2", ["zone": "b", "disk": "ssd"]), try row("1", [:]), try row("3", [:], state: .lost),
        ])
        let listing = MachineTable.listing
        #expect(
            try listing.render(
                MachineTable.rows(machines),
                columns: listing.columns(of: nil),
                layout: Layout(now: Timestamp(milliseconds: 90_000))
            ) == """
                MACHINE\t\tIP\t\tMETADATA\tSTATE\tAGE
                11111111...\t-\t\t-\t\tready\t1min 30s
                22222222...\t10.0.0.2\tdisk=ssd,zone=b\tready\t1min 30s
                33333333...\t10.0.0.2\t-\t\tlost\t-

                """
        )
        #expect(
            try listing.render(
                MachineTable.rows(machines),
                columns: listing.columns(of: "machine,state,units,version,hostname,systemd,podman,since"),
                layout: Layout(hasLegend: false)
            ) == """
                11111111...\tready\t3\t2.0.0\tweb1\t252\t5.4\t-
                22222222...\tready\t3\t2.0.0\tweb1\t252\t-\t-
                33333333...\tlost\t3\t2.0.0\tweb1\t252\t-\t-

                """
        )
    }

    @Test func listUnitFiles() throws {
        let hash = ContentHash(of: "text").short
        let rows = UnitFileTable.rows(
            UnitListing(units: [try Fixture.running(), try Fixture.row("global.service", isGlobal: true)])
        )
        let listing = UnitFileTable.listing
        #expect(
            try listing.render(rows, columns: listing.columns(of: nil), layout: Layout()) == """
                UNIT\t\tHASH\tDSTATE\t\tSTATE\t\tTARGET
                global.service\t\(hash)\tlaunched\t-\t\tglobal
                web.service\t\(hash)\tlaunched\tlaunched\t11111111.../10.0.0.1

                """
        )
        #expect(
            try listing.render(rows, columns: listing.columns(of: "global,desc"), layout: Layout(hasLegend: false))
                == "true\tWeb server\nfalse\tWeb server\n"
        )
    }

    @Test func aUnitCannotSteerTheTerminal() throws {
        var row = try Fixture.running()
        row.description = "a\u{1B}[2Jb\tc"
        let listing = UnitFileTable.listing
        let text = listing.render([row], columns: try listing.columns(of: "desc"), layout: Layout(hasLegend: false))
        #expect(text == "a?[2Jb?c\n")
    }
}
