import FleetAPI
import FleetModel
import Testing
import UnitFile

@testable import fleetctl

@Suite("fleetctl volumes")
struct VolumesCommandTests {
    private func listing() throws -> VolumeListing {
        var data = VolumeListing.Row(
            volume: try VolumeName("systemd-data"),
            units: [try UnitName("db.service")],
            machine: try Fixture.machine("1"),
            state: .inUse
        )
        data.bytes = 8192
        data.homeSince = Fixture.ago(60)
        var old = VolumeListing.Row(
            volume: try VolumeName("old"),
            units: [],
            machine: try Fixture.machine("2", ip: "", host: ""),
            state: .orphan
        )
        (old.bytes, old.isMore) = (1_610_612_736, true)
        old.formerUnit = try UnitName("gone.service")
        return VolumeListing(volumes: [data, old])
    }

    @Test func table() async throws {
        let listing = try listing()
        let result = try await FakeFleetd.run(["volumes"]) { _ in .json(listing) }
        let cells = result.output.split(separator: "\n").map { $0.split(separator: "\t").map(String.init) }
        #expect(
            cells == [
                ["VOLUME", "UNIT", "MACHINE", "SIZE", "STATE"],
                ["systemd-data", "db.service", "11111111.../10.0.0.1", "8.0K", "in use"],
                ["old", "gone.service", "22222222...", ">1.5G", "orphan"],
            ]
        )
        #expect(result.requests.map(\.path) == ["/fleet/v2/volumes"])
    }

    @Test func whatIsNotListedIsSaid() async throws {
        var listing = try listing()
        listing.omissions = [.init(machine: try Fixture.machine("1"), omitted: 12, listed: 1000)]
        let cut = listing
        let result = try await FakeFleetd.run(["volumes"]) { _ in .json(cut) }
        #expect(
            result.errors.contains("web1 (11111111.../10.0.0.1) tells of 1000 volumes; 12 more are not listed"),
            "\(result.errors)"
        )
        #expect(result.status == 0)
    }

    @Test func forgettingIsExplainedFirst() async throws {
        let listing = try listing()
        let asked = try await FakeFleetd.run(["volumes", "forget", "systemd-data"]) { _ in .json(listing) }
        #expect(asked.status == 1)
        #expect(asked.errors.contains("systemd-data is kept on web1 (11111111.../10.0.0.1). db.service would begin"))
        #expect(asked.requests.map(\.method) == ["GET"])
        let done = try await FakeFleetd.run(["volumes", "forget", "systemd-data", "--yes"]) { _ in .json(listing) }
        #expect(done.output == "Forgot where systemd-data is\n")
        #expect(done.requests.map(\.path) == ["/fleet/v2/volumes", "/fleet/v2/volumes/forget"])
        #expect(done.requests.last?.body == #"{"volumes":["systemd-data"]}"#)
    }

    /// Only fleetd knows what a file's `VolumeName=` is.
    @Test func theFileMeansItsVolume() async throws {
        var listing = try listing()
        listing.volumes[0].units.append(try UnitName("data-volume.service"))
        let rows = listing
        let detail = Fixture.detail(try Fixture.row("data-volume.service"))
        let result = try await FakeFleetd.run(["volumes", "forget", "data.volume", "--yes"]) { request in
            request.path == "/fleet/v2/units/data.volume" ? .json(detail) : .json(rows)
        }
        #expect(result.errors.contains("systemd-data is kept on web1"), "\(result.errors)")
        #expect(result.requests.last?.body == #"{"volumes":["systemd-data"]}"#)
        let unknown = try await FakeFleetd.run(["volumes", "forget", "data.volume", "--yes"]) { request in
            request.path == "/fleet/v2/units/data.volume" ? .refusal(404, "unit does not exist") : .json(rows)
        }
        #expect(unknown.requests.last?.body == #"{"volumes":["data.volume"]}"#)
    }

    @Test(arguments: [["volumes", "burn"], ["volumes", "forget"], ["volumes", "forget", "a/b"]])
    func usage(arguments: [String]) async throws {
        let result = try await FakeFleetd.run(arguments) { _ in .json(VolumeListing(volumes: [])) }
        #expect(result.status == 2)
        #expect(result.requests.isEmpty)
    }

    @Test(
        arguments: [(0, "0B"), (1023, "1023B"), (1024, "1.0K"), (1536, "1.5K"), (10 << 30, "10.0G")]
            as [(Int64, String)]
    )
    func sizes(bytes: Int64, text: String) { #expect(VolumeTable.size(bytes) == text) }
}
