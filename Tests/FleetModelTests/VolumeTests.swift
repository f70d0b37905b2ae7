import FleetModel
import Testing
import UnitFile

@Suite("Which volumes a unit has")
struct VolumeTests {
    private func names(_ file: String, _ text: String, unit: UnitName? = nil) throws -> [String] {
        let source = try QuadletName(file)
        let parsed = try ParsedUnitFile.parse(text, path: file)
        let facts = VolumeFacts(of: source.kind, parsed)
        let volumes = UnitVolumes(facts, unit: try unit ?? source.service(parsed), source: source)
        return volumes.names.map(\.description) + volumes.files.map(\.description) + volumes.beside.map(\.description)
    }

    @Test(
        "Podman volumes have names; paths and anonymous volumes are none",
        arguments: [
            ("Volume=data:/x", ["data"]), ("Volume=data:/x:ro,Z", ["data"]), ("Volume=data.volume:/x", ["data.volume"]),
            ("Volume=/srv/x:/x", []), ("Volume=./x:/x", []), ("Volume=/x", []), ("Volume=%h/x:/x", []),
            ("Volume=%S:/x", []), ("Volume=%t/web:/x", []), ("Volume=~:/x", []), ("Volume=a:/a\nVolume=", []),
            ("Volume=a:/a\nVolume=\nVolume=b:/b", ["b"]), ("Volume=%p-data:/x", ["web-data"]),
            ("Mount=type=volume,source=data,destination=/x", ["data"]),
            ("Mount=source=data.volume,target=/x", ["data.volume"]),
            ("Mount=type=volume,destination=/x", []), ("Mount=type=bind,source=data,target=/x", []),
            ("Mount=type=tmpfs,destination=/x", []), ("Pod=app.pod", ["app.pod"]),
        ]
    )
    func podman(option: String, expected: [String]) throws {
        #expect(try names("web.container", "[Container]\nImage=x\n\(option)\n") == expected)
    }

    @Test("The names of a template's instances are their own")
    func templates() throws {
        let text = "[Container]\nImage=x\nVolume=data-%i:/x\n"
        #expect(try names("web@.container", text, unit: UnitName("web@1.service")) == ["data-1"])
        #expect(try names("web@.container", text, unit: UnitName("web@2.service")) == ["data-2"])
    }

    @Test(arguments: ["a", "systemd-data", "A_b.c-1", "state:web", "state:web/a", "state:a@b"])
    func namesThatAreSafe(text: String) throws {
        #expect(try VolumeName(text).description == text)
    }

    @Test(arguments: [
        "", ".a", "-a", "a/b", "a b", "a:b", "ä", "state:", "state:/a", "state:a/", "state:a/../b", "state:a\n",
    ])
    func namesThatAreNot(text: String) {
        #expect(throws: UnitNameError.self) { try VolumeName(text) }
    }

    // MARK: Of the snapshot

    private func snapshot(_ files: [(String, String)]) throws -> Snapshot {
        var snapshot = Snapshot()
        let by = Provenance(at: Timestamp(milliseconds: 0), by: "test")
        for (place, text) in files {
            let file = try ParsedUnitFile.parse(text, path: place)
            let source = try? QuadletName(place)
            let name = try source?.service(file) ?? UnitName(place)
            snapshot.units[name] = Unit(
                name: name,
                intent: UnitIntent(file: ContentHash(of: text), generation: 1, submitted: by, source: source),
                target: UnitTarget(state: .launched, generation: 1, set: by),
                options: try FleetSection.parse(file).options(for: name),
                quadlet: source.map { QuadletFacts(of: $0.kind, file) },
                volumes: UnitVolumes(VolumeFacts(of: source?.kind, file), unit: name, source: source)
            )
            if let source { snapshot.unitsBySource[source, default: []].insert(name) }
        }
        return snapshot
    }

    private func sticky(_ name: String, _ files: [(String, String)]) throws -> [String] {
        let snapshot = try snapshot(files)
        return snapshot.stickyVolumes(of: try #require(snapshot.units[try UnitName(name)])).map(\.description)
    }

    @Test func aVolumeFileNamesItsVolume() throws {
        let web = ("web.container", "[Container]\nImage=x\nVolume=data.volume:/x\n")
        #expect(try sticky("web.service", [web, ("data.volume", "[Volume]\n")]) == ["systemd-data"])
        #expect(try sticky("web.service", [web]) == ["systemd-data"], "not stored yet")
        #expect(try sticky("web.service", [web, ("data.volume", "[Volume]\nVolumeName=mine\n")]) == ["mine"])
        #expect(try sticky("web.service", [web, ("data.volume", "[Volume]\nVolumeName=%p-x\n")]) == ["web-x"])
        #expect(try sticky("data-volume.service", [("data.volume", "[Volume]\n")]) == ["systemd-data"])
    }

    @Test func whoDoesNotKeepToThem() throws {
        let volume = ("data.volume", "[Volume]\n")
        func web(_ fleet: String) -> (String, String) {
            ("web.container", "[Container]\nImage=x\nVolume=data.volume:/x\n[X-Fleet]\n\(fleet)\n")
        }
        #expect(try sticky("web.service", [web("VolumePolicy=lose"), volume]) == [])
        #expect(try sticky("web.service", [web("Global=yes"), volume]) == [])
        #expect(
            try sticky("web.service", [web(""), ("data.volume", "[Volume]\n[X-Fleet]\nVolumePolicy=lose\n")]) == []
        )
        #expect(try sticky("web.service", [web("VolumePolicy=sticky"), volume]) == ["systemd-data"])
    }

    @Test func whatIsNamedAndNotKept() throws {
        let volume = ("data.volume", "[Volume]\n")
        let state = ("x.service", "[Service]\nExecStart=/bin/true\nStateDirectory=a\n[X-Fleet]\n")
        func loose(_ files: [(String, String)]) throws -> [String] {
            let snapshot = try snapshot(files)
            return snapshot.units.values.filter { $0.quadlet != nil || $0.name.description == "x.service" }
                .flatMap { snapshot.looseVolumes(of: $0).map(\.description) }
        }
        for fleet in ["VolumePolicy=lose", "Global=yes"] {
            let web = ("web.container", "[Container]\nImage=x\nVolume=data.volume:/x\n[X-Fleet]\n\(fleet)\n")
            #expect(try loose([web, volume]) == ["systemd-data"])
        }
        let web = ("web.container", "[Container]\nImage=x\nVolume=data.volume:/x\nVolume=own:/y\n")
        #expect(try loose([web, volume]) == [])
        #expect(
            try Set(loose([web, ("data.volume", "[Volume]\n[X-Fleet]\nVolumePolicy=lose\n")])) == ["systemd-data"]
        )
        #expect(try loose([state]) == [])
        #expect(try loose([(state.0, state.1 + "VolumePolicy=sticky")]) == [])
        #expect(try loose([(state.0, state.1 + "VolumePolicy=lose")]) == ["state:a"])
    }

    @Test func podsAndStateDirectories() throws {
        let pod = ("app.pod", "[Pod]\nVolume=data.volume:/x\nVolume=%p-own:/y\n")
        let web = ("web.container", "[Container]\nImage=x\nPod=app.pod\nVolume=mine:/z\n")
        #expect(
            try sticky("web.service", [pod, web, ("data.volume", "[Volume]\n")]) == [
                "app-pod-own", "mine", "systemd-data",
            ]
        )
        let state = "[Service]\nExecStart=/bin/true\nStateDirectory=a b/c:d\n"
        #expect(try sticky("x.service", [("x.service", state)]) == [])
        #expect(
            try sticky("x.service", [("x.service", state + "[X-Fleet]\nVolumePolicy=sticky\n")]) == [
                "state:a", "state:b/c",
            ]
        )
    }

    /// A container that others start is where they are, with its data.
    @Test func containersThatAreStartedWithIt() throws {
        let db = ("db.container", "[Container]\nImage=x\nVolume=data.volume:/x\nPod=app.pod\n")
        let rest = [db, ("app.pod", "[Pod]\nVolume=own:/y\n"), ("data.volume", "[Volume]\n")]
        for line in ["Network=db.container", "[Unit]\nRequires=db.container", "[Unit]\nWants=db.container"] {
            let web = ("web.container", "[Container]\nImage=x\n\(line)\n")
            #expect(try sticky("web.service", [web] + rest) == ["own", "systemd-data"], "\(line)")
        }
        let after = ("web.container", "[Container]\nImage=x\n[Unit]\nAfter=db.container\n")
        #expect(try sticky("web.service", [after] + rest) == [], "it is not started with it")
    }

    @Test(arguments: [
        ("", false), ("VolumeName=x", false), ("Label=a=b", false), ("Device=", false), ("Device=/dev/sdb1", true),
        ("Type=nfs", true), ("Options=bind", true), ("Driver=image\nImage=localhost/own:1", true),
        ("PodmanArgs=--driver=x", true),
    ])
    func whatAnEmptyFolderSaysNothingOf(option: String, isOpaque: Bool) throws {
        let snapshot = try snapshot([
            ("web.container", "[Container]\nImage=x\nVolume=data.volume:/x\nVolume=plain:/y\n"),
            ("data.volume", "[Volume]\n\(option)\n"),
        ])
        for name in ["web.service", "data-volume.service"] {
            let unit = try #require(snapshot.units[try UnitName(name)])
            let own = option == "VolumeName=x" ? "x" : "systemd-data"
            #expect(snapshot.opaqueVolumes(of: unit).map(\.description) == (isOpaque ? [own] : []))
        }
    }

    @Test func anOpaqueVolumeIsNeverSaidToBeEmpty() throws {
        for (option, isEmpty) in [("", true), ("Device=/dev/sdb1\n", false)] {
            var snapshot = try snapshot([
                ("web.container", "[Container]\nImage=x\nVolume=data.volume:/x\n"),
                ("data.volume", "[Volume]\n\(option)"),
            ])
            let (web, data) = (try UnitName("web.service"), try VolumeName("systemd-data"))
            let machine = try #require(MachineID("0123456789abcdef0123456789abcdef"))
            var assignment = Assignment(
                file: ContentHash(of: ""),
                target: .launched,
                generation: 1,
                restart: 0,
                attempt: 0,
                atMostOnce: false,
                epoch: .zero,
                reason: "",
                at: Timestamp(milliseconds: 0)
            )
            assignment.volumes = [data]
            snapshot.assignments[web] = [machine: assignment]
            snapshot.machines[machine] = Machine(
                id: machine,
                presence: MachinePresence(
                    hostname: "a",
                    primaryIP: "",
                    metadata: [:],
                    version: "1",
                    systemdVersion: "257",
                    since: Timestamp(milliseconds: 0)
                )
            )
            snapshot.statuses[web] = [machine: status(assignment)]
            #expect(snapshot.holdsNothing(data, of: web, on: machine) == isEmpty)
        }
    }

    /// Failed, and with nothing in its volumes' folders.
    private func status(_ assignment: Assignment) -> UnitStatus {
        UnitStatus(
            file: nil,
            run: assignment.run,
            load: "loaded",
            active: "failed",
            sub: "failed",
            failure: UnitFailure(cause: .exitCode, message: "it failed", at: Timestamp(milliseconds: 0)),
            volumes: [],
            at: Timestamp(milliseconds: 0)
        )
    }

    // MARK: Validation

    @Test(
        "What cannot be kept to is refused with its line",
        arguments: [
            (
                "web.service", "[Service]\nExecStart=/bin/true\n[X-Fleet]\nVolumePolicy=sticky",
                "web.service:4:14: VolumePolicy=sticky and the file names no volume to keep to (StateDirectory= in [Service])"
            ),
            (
                "web.container", "[Container]\nImage=x\nVolume=/srv:/x\n[X-Fleet]\nVolumePolicy=sticky",
                "web.container:5:14: VolumePolicy=sticky and the file names no volume"
            ),
            (
                "web.container", "[Container]\nImage=x\nVolume=a:/x\n[X-Fleet]\nVolumePolicy=keep",
                "web.container:5:14: VolumePolicy=keep is unknown; write sticky"
            ),
            (
                "web.container", "[Container]\nImage=x\nVolume=a:/x\n[X-Fleet]\nGlobal=yes\nVolumePolicy=sticky",
                "web.container:6:14: VolumePolicy= cannot be used with Global= of line 5"
            ),
            (
                "web.container", "[Container]\nImage=x\nVolume=%H-data:/x",
                "web.container:3:8: Volume=%H-data has the name of a volume that depends on the machine (%H): fleet could not"
            ),
            (
                "web.container", "[Container]\nImage=x\nVolume=%b-data:/x",
                "web.container:3:8: Volume=%b-data has unknown specifier %b"
            ),
            (
                "data.volume", "[Volume]\nVolumeName=%m",
                "data.volume:2:12: VolumeName=%m has the name of a volume that depends on the machine"
            ),
        ]
    )
    func refused(name: String, text: String, message: String) throws {
        let source = try? QuadletName(name)
        let unit = try source?.standardService ?? UnitName(name)
        let error = #expect(throws: UnitFileError.self) {
            try UnitValidation.validate(name: unit, source: source, text: text)
        }
        #expect(error?.description.hasPrefix(message) == true, "\(error?.description ?? "none")")
    }

    @Test(arguments: [
        "[Container]\nImage=x\nVolume=%H-data:/x\n[X-Fleet]\nVolumePolicy=lose",
        "[Container]\nImage=x\nVolume=%H-data:/x\n[X-Fleet]\nGlobal=yes\nVolumePolicy=lose",
        "[Container]\nImage=x\nPod=app.pod\n[X-Fleet]\nVolumePolicy=sticky",
        "[Container]\nImage=x\nVolume=data.volume:/x\n[X-Fleet]\nVolumePolicy=sticky",
    ])
    func accepted(text: String) throws {
        let source = try QuadletName("web.container")
        _ = try UnitValidation.validate(name: source.standardService, source: source, text: text)
    }
}
