import FleetModel
import FleetRegistry
import Testing
import UnitFile

@Suite struct SnapshotFeedTests {
    let at = Timestamp(milliseconds: 1_795_258_623_120)
    let keyspace = Keyspace.standard
    let text = "[Unit]\nDescription=Web\n[Service]\nExecStart=/bin/true\n"

    func entry(_ key: RegistryKey, _ value: [UInt8], at revision: Int64, created: Int64? = nil) -> StoredEntry {
        StoredEntry(
            key: key.key(in: keyspace),
            value: value,
            created: Revision(created ?? revision),
            modified: Revision(revision),
            lease: nil
        )
    }

    func unitEntries(_ unit: UnitName, at revision: Int64) -> [StoredEntry] {
        let who = Provenance(at: at, by: "root")
        let intent = UnitIntent(file: ContentHash(of: text), generation: 1, submitted: who)
        let target = UnitTarget(state: .launched, generation: 2, set: who)
        return [
            entry(.unit(unit), RegistryValue.encode(intent), at: revision),
            entry(.target(unit), RegistryValue.encode(target), at: revision),
            entry(.file(ContentHash(of: text)), Array(text.utf8), at: revision),
        ]
    }

    @Test func aUnitIsThereOnceAllItsPartsAre() throws {
        let unit = try UnitName("web.service")
        let entries = unitEntries(unit, at: 5)
        var feed = SnapshotFeed(keyspace: keyspace)
        for missing in entries.indices {
            var some = entries
            let last = some.remove(at: missing)
            _ = feed.list(some, at: Revision(5))
            #expect(feed.snapshot.units[unit] == nil)
            let changes = feed.apply([.put(last)], upTo: Revision(6))
            #expect(changes.units == [unit])
            #expect(feed.snapshot.units[unit]?.description == "Web")
            #expect(feed.snapshot.units[unit]?.generation == 2)
            #expect(feed.snapshot.unitsByFile[ContentHash(of: text)] == [unit])
            #expect(feed.problems.isEmpty)
        }
    }

    @Test func aQuadletFileIsReadByTheKindThatItsUnitSays() throws {
        let unit = try UnitName("web.service")
        let source = try QuadletName("web.container")
        let text = "[Container]\nImage=x\nNetwork=app.network\n[Unit]\nDescription=Web\nWantsMountsFor=/srv\n"
        let who = Provenance(at: at, by: "root")
        let intent = UnitIntent(file: ContentHash(of: text), generation: 1, submitted: who, source: source)
        var feed = SnapshotFeed(keyspace: keyspace)
        _ = feed.list(
            [
                entry(.unit(unit), RegistryValue.encode(intent), at: 5),
                entry(.target(unit), RegistryValue.encode(UnitTarget(state: .loaded, generation: 1, set: who)), at: 5),
                entry(.file(ContentHash(of: text)), Array(text.utf8), at: 5),
            ],
            at: Revision(5)
        )
        let facts = try #require(feed.snapshot.units[unit]?.quadlet)
        #expect(facts.references == [try QuadletName("app.network")])
        #expect(facts.podman.version == PodmanVersion(4, 5))
        #expect(feed.snapshot.units[unit]?.systemd?.version == 256)
        #expect(feed.snapshot.unitsBySource == [source: [unit]])
        _ = feed.apply([.delete(RegistryKey.unit(unit).key(in: keyspace), at: Revision(6))], upTo: Revision(6))
        #expect(feed.snapshot.unitsBySource.isEmpty)
    }

    @Test func imagesAreKnownByTheirFullNamesAndChangeNoUnit() throws {
        let machine = try #require(MachineID("0123456789abcdef0123456789abcdef"))
        var feed = SnapshotFeed(keyspace: keyspace)
        let names = ["docker.io/busybox:1", "oci-archive:/x"]
        let inventory = RegistryValue.encode(ImageInventory(names: names, at: at))
        let changes = feed.apply([.put(entry(.images(machine), inventory, at: 5))], upTo: Revision(5))
        #expect(feed.snapshot.images[machine]?.map(\.description) == ["docker.io/library/busybox:1"])
        #expect(changes.units.isEmpty && changes.machines.isEmpty && !changes.all)
        _ = feed.apply([.delete(RegistryKey.images(machine).key(in: keyspace), at: Revision(6))], upTo: Revision(6))
        #expect(feed.snapshot.images.isEmpty)
    }

    @Test func aDescriptionIsOfItsUnit() throws {
        let text = "[Unit]\nDescription=Worker %i on %H\n"
        let who = Provenance(at: at, by: "root")
        var feed = SnapshotFeed(keyspace: keyspace)
        var entries = [entry(.file(ContentHash(of: text)), Array(text.utf8), at: 5)]
        for name in ["w@1.service", "w@.service"] {
            let unit = try UnitName(name)
            let intent = UnitIntent(file: ContentHash(of: text), generation: 1, submitted: who)
            entries.append(entry(.unit(unit), RegistryValue.encode(intent), at: 5))
            let target = UnitTarget(state: .inactive, generation: 1, set: who)
            entries.append(entry(.target(unit), RegistryValue.encode(target), at: 5))
        }
        _ = feed.list(entries, at: Revision(5))
        #expect(feed.snapshot.units[try UnitName("w@1.service")]?.description == "Worker 1 on %H")
        #expect(feed.snapshot.units[try UnitName("w@.service")]?.description == "Worker %i on %H")
    }

    @Test func namesOfQuadletFilesFollowTheUnitsThatTheyMean() throws {
        let (web, lan) = (try UnitName("web.service"), try UnitName("lan.service"))
        let source = try QuadletName("app.network")
        let text = "[Service]\nExecStart=/bin/true\n[X-Fleet]\nMachineOf=app.network\nConflicts=x.service\n"
        let who = Provenance(at: at, by: "root")
        let target = RegistryValue.encode(UnitTarget(state: .loaded, generation: 1, set: who))
        func stored(_ unit: UnitName, _ text: String, _ source: QuadletName? = nil) -> [StoredEntry] {
            let intent = UnitIntent(file: ContentHash(of: text), generation: 1, submitted: who, source: source)
            return [
                entry(.unit(unit), RegistryValue.encode(intent), at: 5), entry(.target(unit), target, at: 5),
                entry(.file(ContentHash(of: text)), Array(text.utf8), at: 5),
            ]
        }
        let network = stored(lan, "[Network]\nServiceName=lan\n", source)
        var feed = SnapshotFeed(keyspace: keyspace)
        _ = feed.list(stored(web, text), at: Revision(5))
        #expect(feed.snapshot.units[web]?.options.machineOf.map(\.description) == ["app-network.service"])
        let changes = feed.apply(network.map(StoreEvent.put), upTo: Revision(6))
        #expect(changes.units == [web, lan])
        #expect(feed.snapshot.units[web]?.options.machineOf == [lan])
        var listed = SnapshotFeed(keyspace: keyspace)
        _ = listed.list(stored(web, text) + network, at: Revision(6))
        #expect(listed.snapshot == feed.snapshot)
        _ = feed.apply([.delete(RegistryKey.unit(lan).key(in: keyspace), at: Revision(7))], upTo: Revision(7))
        #expect(feed.snapshot.units[web]?.options.machineOf.map(\.description) == ["app-network.service"])
        _ = feed.apply([.delete(RegistryKey.unit(web).key(in: keyspace), at: Revision(8))], upTo: Revision(8))
        #expect(feed.apply(network.map(StoreEvent.put), upTo: Revision(9)).units == [lan])
    }

    @Test func listingAndFoldingGiveTheSameSnapshot() throws {
        let unit = try UnitName("web.service")
        let machine = try #require(MachineID("0123456789abcdef0123456789abcdef"))
        let status = UnitStatus(file: nil, run: nil, load: "loaded", active: "active", sub: "running", at: at)
        let assignment = Assignment(
            file: ContentHash(of: text),
            target: .launched,
            generation: 2,
            restart: 0,
            attempt: 0,
            atMostOnce: false,
            epoch: Epoch(1),
            reason: "only one",
            at: at
        )
        let first = EventID.make(at: at, writer: machine, counter: 1)
        let second = EventID.make(at: at, writer: machine, counter: 2)
        let all =
            unitEntries(unit, at: 5) + [
                entry(.status(machine, unit), RegistryValue.encode(status), at: 6),
                entry(.assignment(machine, unit), RegistryValue.encode(assignment), at: 7),
                entry(.leader, RegistryValue.encode(LeaderRecord(machine: machine, since: at)), at: 9, created: 8),
                entry(.labels(machine), RegistryValue.encode(MachineLabels(labels: ["a": "b"])), at: 9),
                entry(.event(unit, second), [], at: 10),
                entry(.event(unit, first), [], at: 11),
            ]
        var listed = SnapshotFeed(keyspace: keyspace)
        _ = listed.list(all, at: Revision(11))
        var folded = SnapshotFeed(keyspace: keyspace)
        _ = folded.list([], at: Revision(1))
        for entry in all.reversed() { _ = folded.apply([.put(entry)], upTo: entry.modified) }
        #expect(listed.snapshot == folded.snapshot)
        #expect(listed.snapshot.leadership?.epoch == Epoch(8))
        #expect(listed.snapshot.eventIDs[unit] == [first, second])
        #expect(listed.snapshot.unitsByMachine[machine] == [unit])
        #expect(listed.snapshot.machines[machine]?.metadata == ["a": "b"])

        let deletes = all.map { StoreEvent.delete($0.key, at: Revision(12)) }
        let changes = folded.apply(deletes, upTo: Revision(12))
        var empty = Snapshot()
        empty.revision = Revision(12)
        #expect(folded.snapshot == empty)
        #expect(changes.machines == [machine])
        #expect(changes.leadership)
    }

    @Test func whatCannotBeReadIsSaidAndLeftOut() throws {
        let unit = try UnitName("web.service")
        let other = try UnitName("other.service")
        var feed = SnapshotFeed(keyspace: keyspace)
        _ = feed.list(unitEntries(unit, at: 1) + unitEntries(other, at: 1), at: Revision(1))
        _ = feed.apply([.put(entry(.target(unit), Array(#"{"v":99}"#.utf8), at: 2))], upTo: Revision(2))
        #expect(feed.snapshot.units.keys.map(\.description) == ["other.service"])
        #expect(feed.problems.values.contains { $0.contains("upgrade fleetd") })
        _ = feed.apply(unitEntries(unit, at: 3).map(StoreEvent.put), upTo: Revision(3))
        #expect(feed.snapshot.units[unit] != nil)
        #expect(feed.problems.isEmpty)
    }

    @Test func aNewerFormatIsNoticed() {
        var feed = SnapshotFeed(keyspace: keyspace)
        let format = RegistryFormat(minimumReader: RegistryValue.version + 1, writer: "9.9")
        #expect(!feed.isTooNew)
        let changes = feed.apply([.put(entry(.format, RegistryValue.encode(format), at: 2))], upTo: Revision(2))
        #expect(feed.isTooNew)
        #expect(changes.all)
    }
}
