import Testing
import UnitFile

@Suite("Names and references of Quadlet files")
struct QuadletTests {
    @Test(
        "A file becomes the service that podman's table names",
        arguments: [
            ("web.container", "web.service"), ("web.kube", "web.service"), ("web.pod", "web-pod.service"),
            ("db.volume", "db-volume.service"), ("lan.network", "lan-network.service"),
            ("app.image", "app-image.service"), ("app.build", "app-build.service"),
            ("web@.container", "web@.service"), ("web@1.container", "web@1.service"),
        ]
    )
    func service(file: String, service: String) throws {
        #expect(try QuadletName(file).standardService.description == service)
    }

    @Test(
        "No other file is one",
        arguments: ["web.service", "web", "", ".container", ".network", "a b.pod", "a/b.pod"]
    )
    func noName(text: String) {
        #expect(throws: UnitNameError.self) { try QuadletName(text) }
    }

    @Test("Templates and their instances")
    func templates() throws {
        let template = try QuadletName("web@.container")
        #expect(template.isTemplate)
        #expect(template.instance("1")?.description == "web@1.container")
        #expect(try QuadletName("web@1.container").template == template)
        #expect(try QuadletName("web@1.container").instance == "1")
        #expect(try QuadletName("web.container").template == nil)
        #expect(try !QuadletName("web.container").isTemplate)
        #expect(try QuadletName("web.container").instance("1") == nil)
    }

    @Test(
        "What names another file",
        arguments: [
            (QuadletKind.container, "[Container]\nNetwork=app.network", ["app.network"]),
            (.container, "[Container]\nNetwork=app.network:ip=10.0.0.2", ["app.network"]),
            (.container, "[Container]\nNetwork=host", []),
            (.container, "[Container]\nNetwork=other.container", ["other.container"]),
            (.container, "[Container]\nVolume=data.volume:/x:Z", ["data.volume"]),
            (.container, "[Container]\nVolume=/srv/data.volume:/x", []),
            (.container, "[Container]\nVolume=./data.volume:/x", []),
            (.container, "[Container]\nVolume=data.volume", []),
            (.container, "[Container]\nVolume=data:/x", []),
            (.container, "[Container]\nMount=type=volume,source=data.volume,destination=/x", ["data.volume"]),
            (.container, "[Container]\nMount=type=image,src=x.image,destination=/x", ["x.image"]),
            (.container, "[Container]\nMount=type=image,src=x.build,destination=/x", []),
            (.container, "[Container]\nNetwork=a.network\nNetwork=\nNetwork=b.network", ["b.network"]),
            (.container, "[Container]\nVolume=a.volume:/a\nVolume=", []),
            (.container, "[Container]\nImage=x.image\nImage=quay.io/a/b", []),
            (.container, "[Container]\nMount=type=bind,source=data.volume,destination=/x", []),
            (.container, "[Container]\nPod=web.pod", ["web.pod"]),
            (.container, "[Container]\nImage=x.image", ["x.image"]),
            (.container, "[Container]\nImage=quay.io/a/x.image", []), (.image, "[Image]\nImage=x.image", []),
            (.volume, "[Volume]\nImage=x.build", ["x.build"]),
            (.pod, "[Pod]\nNetwork=a.network\nVolume=b.volume:/b", ["a.network", "b.volume"]),
            (.kube, "[Kube]\nNetwork=a.network", ["a.network"]), (.build, "[Build]\nVolume=c.volume:/c", ["c.volume"]),
            (.container, "[Unit]\nAfter=db.container network.target x.service\nDescription=a.pod", ["db.container"]),
            (.container, "[Pod]\nNetwork=a.network", []),
            (.container, "[Container]\nVolume=d%i.volume:/x", ["d%i.volume"]),
        ]
    )
    func references(kind: QuadletKind, text: String, names: [String]) throws {
        #expect(try ParsedUnitFile.parse(text).references(of: kind).map(\.text) == names)
    }

    @Test("A name is its text in JSON and a key of a dictionary")
    func coding() throws {
        let name = try QuadletName("web.container")
        #expect(QuadletName(codingKey: name.codingKey) == name)
    }
}
