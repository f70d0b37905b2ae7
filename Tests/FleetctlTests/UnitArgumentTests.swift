import FleetAPI
import FleetModel
import FoundationEssentials
import Testing
import UnitFile

@testable import fleetctl

@Suite struct UnitArgumentTests {
    static let file = "[Service]\nExecStart=/bin/sleep infinity\n"

    @Test(arguments: [
        ("web", "web.service", "web.service"),
        ("web.service", "web.service", "web.service"),
        ("dir/web", "web.service", "dir/web.service"),
        ("./web.timer", "web.timer", "./web.timer"),
        ("/abs/web@1.service", "web@1.service", "/abs/web@1.service"),
        ("web.1", "web.1.service", "web.1.service"),
        ("x.target", "x.target", "x.target"),
    ])
    func names(_ argument: String, _ name: String, _ path: String) throws {
        let unit = try UnitArgument(argument)
        #expect(unit.name.description == name)
        #expect(unit.path == path)
    }

    @Test(arguments: [
        "", "/", "a b", "a*.service", "@.service", ".container", "a b.pod", "\u{1B}[2J.service",
    ])
    func badNames(_ argument: String) {
        let error = #expect(throws: Failure.self) { try UnitArgument(argument) }
        #expect(error?.status == 2)
        #expect(error?.text.contains("\u{1B}") == false)
    }

    /// A file is stored as one text: what lies beside it in another one would be lost without a word.
    @Test(arguments: [
        ("web.container", "[Container]\nImage=x\n", "web.container.d"), ("web.service", file, "web.service.d"),
        ("web@1.container", "[Container]\nImage=x\n", "web@.container.d"), ("web@1.service", file, "web@.service.d"),
        ("web.container", "[Container]\nImage=x\n", "container.d"),
    ])
    func dropInsAreNotPassedOver(_ name: String, _ text: String, _ dropIns: String) async throws {
        try await withFolder { folder in
            try write(text, to: folder + "/" + name)
            try FileManager.default.createDirectory(atPath: folder + "/" + dropIns, withIntermediateDirectories: false)
            let argument = try UnitArgument(folder + "/" + name)
            try write("", to: folder + "/" + dropIns + "/README")
            _ = try argument.reference()
            try write("[Service]\n", to: folder + "/" + dropIns + "/more.conf")
            let error = #expect(throws: Failure.self) { try argument.reference() }
            #expect(
                error?.text
                    == "\(folder)/\(dropIns)/more.conf belongs to \(folder)/\(name) and is not sent with it: merge it into the file"
            )
        }
    }

    @Test func artifactsAreNotTaken() {
        let error = #expect(throws: Failure.self) { try UnitArgument("dir/x.artifact") }
        #expect(error?.status == 2 && error?.text.contains("fleet takes no .artifact files") == true)
    }

    @Test func repeatedNamesCountOnce() throws {
        #expect(
            try UnitArgument.all(["web", "web.service", "db"]).map(\.name.description) == ["web.service", "db.service"]
        )
        #expect(throws: Failure.noUnits) { try UnitArgument.all([]) }
        // These may be two units: the registry knows.
        let files = try UnitArgument.all(["web.container", "dir/web.container", "web.kube", "web"])
        #expect(files.map(\.stored) == ["web.container", "web.kube", "web.service"])
    }

    @Test func localFiles() async throws {
        try await withFolder { folder in
            try write(Self.file, to: folder + "/web.service")
            try write(Self.file, to: folder + "/web@.service")
            try write(Self.file + "# one\n", to: folder + "/web@1.service")
            try FileManager.default.createDirectory(atPath: folder + "/dir.service", withIntermediateDirectories: false)

            let plain = try UnitArgument(folder + "/web").reference()
            #expect(
                plain
                    == UnitReference(name: try UnitName("web.service"), text: Self.file, path: folder + "/web.service")
            )
            let own = try UnitArgument(folder + "/web@1.service").reference()
            #expect(own.text == Self.file + "# one\n" && own.template == Self.file)
            let instance = try UnitArgument(folder + "/web@2").reference()
            #expect(instance.text == nil && instance.template == Self.file)
            #expect(instance.path == folder + "/web@.service")
            for name in ["absent", "dir"] {
                let absent = try UnitArgument(folder + "/" + name).reference()
                #expect(absent == UnitReference(name: try UnitName(name + ".service")))
            }
        }
    }

    @Test func quadletFilesComeWithThoseBesideThem() async throws {
        try await withFolder { folder in
            try write(
                "[Container]\nImage=x\nNetwork=a.network\nVolume=stored.volume:/x\n",
                to: folder + "/web.container"
            )
            try write("[Network]\nServiceName=lan\n", to: folder + "/a.network")
            let web = try UnitArgument(folder + "/web.container").reference()
            #expect(web.name.description == "web.service")
            #expect(web.source?.description == "web.container")
            let beside = try QuadletFiles.companions(of: [web])
            #expect(beside.map(\.name.description) == ["lan.service"])
            #expect(beside.map(\.isCompanion) == [true])
            #expect(try UnitArgument("web.pod").stored == "web.pod")
            try write("[Container]\nImge=x\n", to: folder + "/bad.container")
            let error = #expect(throws: Failure.self) { try UnitArgument(folder + "/bad.container").reference() }
            #expect(error?.text.hasPrefix("\(folder)/bad.container:2:1: unknown key Imge=") == true)
        }
    }

    @Test func unreadableFiles() async throws {
        try await withFolder { folder in
            let path = folder + "/web.service"
            try Data([0x5B, 0x0A, 0xFF, 0x0A]).write(to: URL(filePath: path))
            #expect(throws: Failure("\(path):2: the line is not UTF-8 text")) { try LocalFile.read(path) }
            try Data(repeating: 0x0A, count: Limits.unitFileBytes).write(to: URL(filePath: path))
            #expect(try LocalFile.read(path)?.text.utf8.count == Limits.unitFileBytes)
            try Data(repeating: 0x0A, count: Limits.unitFileBytes + 1).write(to: URL(filePath: path))
            #expect(throws: Failure("\(path): a unit file has at most \(Limits.unitFileBytes) bytes")) {
                try LocalFile.read(path)
            }
        }
    }

    @Test func badFilesAreNotSent() async throws {
        try await withFolder { folder in
            let path = folder + "/web.service"
            try write("[Service]\nExecStart=/bin/true\n[X-Fleet]\nGlobl=true\n", to: path)
            let result = try await FakeFleetd.run(["submit", path]) { _ in .json("never") }
            #expect(result.status == 1)
            #expect(result.errors.hasPrefix("\(path):4:"), "\(result.errors)")
            #expect(result.requests == [])
        }
    }
}
