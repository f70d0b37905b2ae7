import FleetModel
import Testing
import UnitFile

@Suite("Quadlet files are checked before they are stored")
struct QuadletValidationTests {
    private static func validate(_ name: String, _ text: String) throws -> FleetOptions {
        let source = try QuadletName(name)
        let service = try source.service(try ParsedUnitFile.parse(text, path: name))
        return try UnitValidation.validate(name: service, source: source, text: text).2
    }

    @Test(
        "What Quadlet accepts",
        arguments: [
            (
                "web.container",
                "[Container]\nImage=localhost/x:1\n[Service]\nRestart=always\n[Install]\nWantedBy=default.target"
            ),
            ("web.container", "[Container]\nRootfs=/srv/root\n[Quadlet]\nDefaultDependencies=false"),
            ("web@1.container", "[Container]\nImage=localhost/x:1\nEnvironmentFile=-/etc/x %t/y\n[X-Mine]\nA=b"),
            ("web.container", "[Container]\nImage=x.build\nNetwork=a.network\nServiceName=other"),
            ("web.pod", "[Pod]\nPublishPort=80:80"), ("data.volume", "[Volume]"),
            ("app.network", "[Network]\nInternal=true"),
            ("x.image", "[Image]\nImage=quay.io/a/b:1"),
            ("x.build", "[Build]\nImageTag=localhost/x:1\nFile=/srv/Containerfile"),
            ("x.build", "[Build]\nImageTag=localhost/x:1\nSetWorkingDirectory=https://example.org/x.git"),
            ("web.kube", "[Kube]\nYaml=/etc/web.yaml\nSetWorkingDirectory=yaml"),
            ("web.container", "[Container]\nImage=localhost/x:1\n[X-Fleet]\nGlobal=true"),
        ]
    )
    func accepted(name: String, text: String) throws {
        _ = try Self.validate(name, text)
    }

    @Test(
        "What it would drop on the machine is refused with its line and the way out",
        arguments: [
            (
                "web.container", "[Container]\nImge=x",
                "web.container:2:1: unknown key Imge= in [Container]; did you mean Image=?"
            ),
            (
                "web.container", "[Container]\nImage=x\nWobble=1",
                "web.container:3:1: unknown key Wobble= in [Container]; PodmanArgs= takes"
            ),
            (
                "web.container", "[Container]\nNotify=yes",
                "web.container:1: a .container file needs Image= (or Rootfs=)"
            ),
            (
                "web.container", "[Container]\nImage=x\nRootfs=/y",
                "web.container:3:8: a container has Image= or Rootfs=, not both"
            ),
            (
                "web.container", "[Contaner]\nImage=x",
                "web.container:1:1: [Contaner] means nothing in a .container file; did you mean [Container]?"
            ),
            ("web.container", "[Unit]\nDescription=x", "web.container: the file has no [Container] section"),
            (
                "web.container", "[Container]\nImage=x\nPod=web",
                "web.container:3:5: Pod= names a .pod file, such as web.pod"
            ),
            (
                "web.container", "[Container]\nImage=x\nMount=type=bind,source=./x,destination=/x",
                "web.container:3:7: Mount= has ./x, which is beside the file and is not sent with it"
            ),
            (
                "web.container", "[Container]\nImage=x\nMount=type=image,source=x.build,destination=/x",
                "web.container:3:7: Mount= takes .volume and .image files, not x.build"
            ),
            ("web.pod", "[Container]\nImage=x", "web.pod:1:1: [Container] belongs into a .container file"),
            (
                "web.container", "[Container]\nImage=x\n[Quadlet]\nDefault=no",
                "web.container:4:1: unknown key Default= in [Quadlet]"
            ),
            ("web.kube", "[Kube]\nNetwork=host", "web.kube:1: a .kube file needs Yaml="),
            ("web.kube", "[Kube]\nYaml=web.yaml", "web.kube:2:6: Yaml= has web.yaml, which is beside the file"),
            (
                "x.build", "[Build]\nImageTag=x\nFile=Containerfile",
                "x.build:3:6: File= has Containerfile, which is beside"
            ),
            ("x.build", "[Build]\nImageTag=x\nSetWorkingDirectory=unit", "x.build:3:21: SetWorkingDirectory= has unit"),
            ("x.build", "[Build]\nImageTag=x", "x.build:1: a .build file needs File= (or SetWorkingDirectory=)"),
            ("x.image", "[Image]\nArch=x", "x.image:1: a .image file needs Image="),
            ("web.container", "[Container]\nImage=x\nVolume=./d:/d", "web.container:3:8: Volume= has ./d:/d"),
            (
                "web.container", "[Container]\nImage=x\nEnvironmentFile=-env",
                "web.container:3:17: EnvironmentFile= has env"
            ),
            (
                "web.container", "[Container]\nImage=x\n[Service]\nKillMode=process",
                "web.container:4:10: KillMode=process is not allowed"
            ),
            (
                "web.container", "[Container]\nImage=x\n[Service]\nType=simple",
                "web.container:4:6: Type=simple is not allowed"
            ),
            (
                "web.container", "[Container]\nImage=x\n[Service]\nUser=me",
                "web.container:4:6: User= in [Service] does not work"
            ),
            (
                "web.container", "[Container]\nImage=x\nNetwork=a%i.network",
                "web.container:3:9: Network=a%i.network: Quadlet expands no specifiers"
            ),
            (
                "web.container", "[Container]\nImage=x\nNetwork=web.container",
                "web.container:3:9: Network=web.container: the file refers to itself"
            ),
            (
                "web@.container", "[Container]\nImage=x\nServiceName=y",
                "web@.container:3:13: ServiceName= would give all instances"
            ),
            (
                "web.container", "[Container]\nImage=x\nServiceName=y.service",
                "web.container:3:13: ServiceName=y.service: it is the service's name"
            ),
            ("data@1.volume", "[Volume]", "data@1.volume: a .volume file cannot be a template"),
        ]
    )
    func refused(name: String, text: String, message: String) {
        let error = #expect(throws: UnitFileError.self) { try Self.validate(name, text) }
        #expect(error?.description.hasPrefix(message) == true, "\(error?.description ?? "")")
    }

    @Test("The service has to be the one that the file makes")
    func otherService() throws {
        #expect(throws: UnitFileError.self) {
            try UnitValidation.validate(
                name: UnitName("other.service"),
                source: QuadletName("web.container"),
                text: "[Container]\nImage=x"
            )
        }
    }

    @Test(
        "The oldest podman that understands a file, with what asks for it",
        arguments: [
            ("web.container", "[Container]\nImage=x", PodmanVersion(4, 5), "a .container file"),
            ("web.container", "[Container]\nImage=x\nMask=y", PodmanVersion(4, 6), "Mask= in [Container]"),
            (
                "web.container", "[Container]\nImage=x\nMemory=1g\nPod=a.pod", PodmanVersion(5, 5),
                "Memory= in [Container]"
            ),
            ("x.build", "[Build]\nImageTag=x", PodmanVersion(5, 2), "a .build file"),
            (
                "a.network", "[Network]\n[Quadlet]\nDefaultDependencies=no", PodmanVersion(5, 3),
                "DefaultDependencies= in [Quadlet]"
            ),
            (
                "web.container", "[Unit]\nAfter=db.container\n[Container]\nImage=x", PodmanVersion(5, 5),
                "After=db.container in [Unit]"
            ),
            (
                "web.container", "[Unit]\nAfter=db.service\n[Container]\nImage=x", PodmanVersion(4, 5),
                "a .container file"
            ),
        ]
    )
    func podman(name: String, text: String, version: PodmanVersion, cause: String) throws {
        let facts = QuadletFacts(of: try QuadletName(name).kind, try ParsedUnitFile.parse(text))
        #expect(facts.podman.version == version)
        #expect(facts.podman.cause.hasPrefix(cause), "\(facts.podman.cause)")
    }

    @Test("The files beside it are sorted and counted once")
    func references() throws {
        let text = "[Container]\nImage=x.image\nNetwork=b.network\nNetwork=a.network\nVolume=x:/x\nMount=src=b.network"
        let facts = QuadletFacts(of: .container, try ParsedUnitFile.parse(text))
        #expect(facts.references.map(\.description) == ["a.network", "b.network", "x.image"])
    }

    @Test(
        "Versions of podman as podman prints them",
        arguments: [
            ("5.4.2", PodmanVersion(5, 4)), ("4.9", PodmanVersion(4, 9)), ("6.0.0-dev", PodmanVersion(6, 0)),
            ("5.10-rc1", PodmanVersion(5, 10)), ("", nil), ("five", nil), ("5", nil), ("5.x", nil), ("-1.2", nil),
        ]
    )
    func version(text: String, version: PodmanVersion?) {
        #expect(PodmanVersion(text) == version)
    }
}
