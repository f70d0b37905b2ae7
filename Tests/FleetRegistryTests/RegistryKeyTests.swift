import FleetModel
import FleetRegistry
import Testing
import UnitFile

@Suite struct RegistryKeyTests {
    static let machine = MachineID("0123456789abcdef0123456789abcdef")
    static let hash = ContentHash(of: "[Service]\nExecStart=/bin/true\n")

    static func everyKey() throws -> [(RegistryKey, String)] {
        let machine = try #require(machine)
        let unit = try UnitName("web@1.service")
        let id = EventID.make(at: Timestamp(milliseconds: 1_795_258_623_120), writer: machine, counter: 7)
        return [
            (.format, "meta/format"),
            (.file(hash), "files/\(hash)"),
            (.unit(unit), "units/web@1.service"),
            (.target(unit), "targets/web@1.service"),
            (.assignment(machine, unit), "assignments/\(machine)/web@1.service"),
            (.status(machine, unit), "status/\(machine)/web@1.service"),
            (.refusal(machine, unit), "refusals/\(machine)/web@1.service"),
            (.failures(unit, .fleet), "failures/web@1.service/fleet"),
            (.failures(unit, .machine(machine)), "failures/web@1.service/\(machine)"),
            (.presence(machine), "machines/\(machine)/presence"),
            (.labels(machine), "machines/\(machine)/labels"),
            (.inventory(machine), "machines/\(machine)/volumes"),
            (.images(machine), "machines/\(machine)/images"),
            (.volume(try VolumeName("systemd-data")), "volumes/systemd-data"),
            (.volume(try VolumeName("state:a/b")), "volumes/state:a/b"),
            (.leader, "leader"),
            (.event(unit, id), "events/web@1.service/2026-11-21T10:57:03.120Z-01234567-0007"),
        ]
    }

    @Test func everyKeyIsWhereTheSchemaSaysAndReadsBack() throws {
        for keyspace in [Keyspace.standard, Keyspace(prefix: "/other")] {
            for (key, path) in try Self.everyKey() {
                let stored = key.key(in: keyspace)
                #expect(stored.description == keyspace.prefix + path)
                #expect(RegistryKey(stored, in: keyspace) == key)
            }
        }
    }

    @Test(arguments: [
        "/fleet/", "/fleet/units/", "/fleet/units/no-suffix", "/fleet/units/a.service/b", "/fleet/files/12",
        "/fleet/status/xyz/a.service", "/fleet/failures/a.service/other", "/fleet/events/a.service/1", "/fleet/unknown",
        "/fleet/machines/0123456789abcdef0123456789abcdef/other", "/elsewhere/leader", "",
        "/fleet/volumes/", "/fleet/volumes/a/b", "/fleet/volumes/state:../x", "/fleet/volumes/.x",
    ])
    func whatIsNotOfTheSchemaHasNoMeaning(text: String) {
        #expect(RegistryKey(Key(text), in: .standard) == nil)
    }

    @Test func rangesHoldTheirOwnKeysAndNoOthers() throws {
        let machine = try #require(Self.machine)
        let unit = try UnitName("a.service")
        let longer = try UnitName("a.service.service")
        let keyspace = Keyspace.standard
        #expect(keyspace.failures(of: unit).contains(RegistryKey.failures(unit, .fleet).key(in: keyspace)))
        #expect(!keyspace.failures(of: unit).contains(RegistryKey.failures(longer, .fleet).key(in: keyspace)))
        #expect(keyspace.assignments(of: machine).contains(RegistryKey.assignment(machine, unit).key(in: keyspace)))
        #expect(!keyspace.assignments(of: machine).contains(RegistryKey.status(machine, unit).key(in: keyspace)))
        #expect(KeyRange.key(Key("a")).contains(Key("a")))
        #expect(!KeyRange.key(Key("a")).contains(Key("a0")))
        #expect(KeyRange.prefix("").contains(Key("z")))
    }
}
