import FleetAPI
import FleetModel
import FleetRegistry
import FoundationEssentials
import MemoryStore
import Testing
import UnitFile

@Suite struct VolumeRoutesTests {
    private func listing(_ answer: RawResponse) throws -> [VolumeListing.Row] {
        #expect(answer.status == 200, "\(answer.body)")
        return try JSONDecoder().decode(VolumeListing.self, from: Data(answer.body.utf8)).volumes
    }

    /// web.container with data.volume, whose home is machine one; machine two is lost and had a copy.
    private func store(_ server: LiveServer) async throws {
        let body = #"""
            {"action":"start","wait":false,"units":[
             {"name":"web.container","text":"[Container]\nImage=x\nVolume=data.volume:/data\n"},
             {"name":"data.volume","text":"[Volume]\n","companion":true}]}
            """#
        #expect(try await server.ask("POST", "/fleet/v2/change", body).status == 200)
        let (web, data) = (try UnitName("web.service"), try VolumeName("systemd-data"))
        server.control.run(web)
        server.control.edit { registry in
            registry.put(.volume(data), VolumeHome(machine: .one, unit: web, since: .zero))
            let copies = [data: VolumeCopy(bytes: 8192)]
            registry.put(.inventory(.two), VolumeInventory(at: .zero, volumes: copies))
        }
    }

    @Test func whereVolumesAre() async throws {
        try await LiveServer.run { server in
            #expect(try await server.ask("GET", "/fleet/v2/volumes").body == #"{"volumes":[]}"#)
            try await store(server)
            let rows = try listing(try await server.ask("GET", "/fleet/v2/volumes"))
            #expect(rows.map(\.machine.id) == [.one, .two])
            #expect(rows.map(\.state) == [.inUse, .lost])
            #expect(rows.map(\.bytes) == [nil, 8192])
            #expect(rows.map(\.homeSince) == [.zero, nil])
            #expect(rows.allSatisfy { $0.units.map(\.description).contains("web.service") })
            #expect(try await server.ask("POST", "/fleet/v2/volumes", "{}").status == 405)
        }
    }

    /// A copy that a unit uses is in use, wherever the home is; what no unit names is an orphan if one kept to it.
    @Test func whoseVolumesTheyAre() async throws {
        try await LiveServer.run { server in
            try await store(server)
            let (web, gone) = (try UnitName("web.service"), try UnitName("gone.service"))
            let (data, old, other) = (try VolumeName("systemd-data"), try VolumeName("old"), try VolumeName("other"))
            server.control.edit { registry in
                registry.delete(.inventory(.two))
                registry.put(.volume(data), VolumeHome(machine: .two, unit: web, since: .zero))
                registry.put(.volume(old), VolumeHome(machine: .two, unit: gone, since: .zero))
                let copies = [data, old, other].reduce(into: [:]) { $0[$1] = VolumeCopy(bytes: 1) }
                registry.put(.inventory(.one), VolumeInventory(at: .zero, volumes: copies, omitted: 3))
            }
            let answer = try await server.ask("GET", "/fleet/v2/volumes")
            let rows = try listing(answer).filter { $0.machine.id == .one }
            #expect(rows.map(\.volume) == [old, other, data])
            #expect(rows.map(\.state) == [.orphan, .foreign, .inUse])
            #expect(rows.map(\.formerUnit) == [gone, nil, nil])
            let all = try JSONDecoder().decode(VolumeListing.self, from: Data(answer.body.utf8))
            #expect(all.omissions?.map(\.omitted) == [3])
            #expect(all.omissions?.map(\.listed) == [3])
        }
    }

    @Test func homesAreForgotten() async throws {
        try await LiveServer.run { server in
            try await store(server)
            let body = #"{"volumes":["systemd-data"]}"#
            let inUse = try await server.ask("POST", "/fleet/v2/volumes/forget", body)
            #expect(inUse.status == 409 && inUse.body.contains("web.service uses systemd-data"), "\(inUse.body)")
            server.control.remove(try UnitName("web.service"))
            let rows = try listing(try await server.ask("POST", "/fleet/v2/volumes/forget", body))
            #expect(rows.map(\.machine.id) == [.two])
            #expect(server.control.current.volumeHomes.isEmpty)
            let again = try await server.ask("POST", "/fleet/v2/volumes/forget", body)
            #expect(again.status == 404 && again.body.contains("no home of a volume systemd-data"), "\(again.body)")
        }
    }

    @Test(arguments: [
        (#"{"volumes":[]}"#, 400, "no volumes given"),
        (#"{"volumes":["a b"]}"#, 400, "volumes[0]"),
        (#"{"volumes":"a"}"#, 400, "volumes"),
        (#"{"volumes":["none"]}"#, 404, "no home of a volume none"),
    ])
    func wrongRequests(_ body: String, _ status: Int, _ message: String) async throws {
        try await LiveServer.run { server in
            let answer = try await server.ask("POST", "/fleet/v2/volumes/forget", body)
            #expect(answer.status == status && answer.body.contains(message), "\(answer.status) \(answer.body)")
        }
    }
}
