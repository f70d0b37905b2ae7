import FleetAPI
import FoundationEssentials
import Testing
import UnitFile

@Suite("A request names a unit by its name or by its Quadlet file's")
struct UnitReferenceTests {
    private func decode(_ json: String) throws -> UnitReference {
        try JSONDecoder().decode(UnitReference.self, from: Data(json.utf8))
    }

    @Test(
        "What a name means",
        arguments: [
            (#"{"name":"web.service"}"#, "web.service", nil),
            (#"{"name":"web.container"}"#, "web.service", "web.container"),
            (#"{"name":"app.network","text":"[Network]\nServiceName=lan"}"#, "lan.service", "app.network"),
            (#"{"name":"app.network","text":"[Network"}"#, "app-network.service", "app.network"),
            (#"{"name":"web@1.container","template":"[Container]"}"#, "web@1.service", "web@1.container"),
        ]
    )
    func meaning(json: String, name: String, source: String?) throws {
        let reference = try decode(json)
        #expect(reference.name.description == name)
        #expect(reference.source?.description == source)
        #expect(!reference.isCompanion)
        #expect(try JSONDecoder().decode(UnitReference.self, from: JSONEncoder().encode(reference)) == reference)
    }

    @Test("A companion says so, and only that")
    func companion() throws {
        let reference = try decode(#"{"name":"app.network","text":"[Network]","companion":true}"#)
        #expect(reference.isCompanion)
        #expect(try JSONDecoder().decode(UnitReference.self, from: JSONEncoder().encode(reference)) == reference)
        let plain = UnitReference(name: try UnitName("web.service"))
        #expect(String(decoding: try JSONEncoder().encode(plain), as: UTF8.self) == #"{"name":"web.service"}"#)
    }

    @Test("No name at all", arguments: [#"{"name":".container"}"#, #"{"name":"a b.pod"}"#, #"{"name":"web"}"#])
    func wrong(json: String) {
        #expect(throws: DecodingError.self) { try decode(json) }
    }
}
