import FleetModel
import FleetRegistry
import FleetUseCases
import MemoryStore
import Testing
import UnitFile

/// What is written when configs and secrets are set and removed.
@Suite struct CredentialChangeTests {
    private static let user = "[Service]\nExecStart=/bin/true\n[X-Fleet]\nSecret=db\n"
    private let db: CredentialID
    private var world: World

    init() throws {
        db = CredentialID(.secret, try #require(CredentialName("db")))
        world = try World()
    }

    private func content(_ text: String, sealed: Bool = true) -> CredentialContent {
        let key = sealed ? SecretKeyID("0123abcd") : nil
        return CredentialContent(blob: StoredBlob(Array(text.utf8)), size: text.utf8.count, key: key)
    }

    private mutating func perform(_ change: CredentialChange) throws -> CredentialPlan {
        let plan = try change.plan(
            on: world.snapshot,
            by: World.user,
            keyspace: world.registry.keyspace,
            events: &world.events
        )
        if let transaction = plan.transaction {
            #expect(transaction.defect == nil)
            let isCommitted = world.registry.commit(transaction)
            #expect(isCommitted)
        }
        return plan
    }

    private func unit(_ name: String) throws -> Unit? { world.snapshot.units[try UnitName(name)] }

    private var blobs: Set<ContentHash> { Set(world.snapshot.blobRevisions.keys) }

    @Test mutating func setAndSetAgain() throws {
        _ = try perform(.set(db, content("one")))
        let first = try #require(world.snapshot.credentials[db])
        #expect(first.blob == ContentHash(of: "one"))
        #expect(first.key?.description == "0123abcd")
        #expect(first.set == World.user)
        let again = try perform(.set(db, content("one")))
        #expect(again.transaction == nil)
        _ = try perform(.set(db, content("two")))
        let second = try #require(world.snapshot.credentials[db])
        #expect(second.generation > first.generation)
        #expect(blobs == [ContentHash(of: "two")])
    }

    @Test mutating func aBlobStaysForItsOtherUsers() throws {
        let names = try ["a", "b"].map { CredentialID(.config, try #require(CredentialName($0))) }
        for name in names { _ = try perform(.set(name, content("same", sealed: false))) }
        _ = try perform(.set(names[0], content("other", sealed: false)))
        #expect(blobs == [ContentHash(of: "same"), ContentHash(of: "other")])
        _ = try perform(.remove(names))
        #expect(blobs == [] && world.snapshot.credentials.isEmpty && world.snapshot.credentialRevisions.isEmpty)
    }

    @Test mutating func twoWhoSetAtOnceMeet() throws {
        _ = try perform(.set(db, content("one")))
        let before = world.snapshot
        _ = try perform(.set(db, content("two")))
        let late = try CredentialChange.set(db, content("three")).plan(
            on: before,
            by: World.user,
            keyspace: world.registry.keyspace,
            events: &world.events
        )
        let isCommitted = world.registry.commit(try #require(late.transaction))
        #expect(!isCommitted)
    }

    @Test mutating func whatIsAskedForMustBeThere() throws {
        let error = #expect(throws: UseCaseError.self) { try world.submit("web.service", Self.user) }
        #expect(
            error?.message == """
                web.service:4:8: there is no secret db in the registry; set it first: fleetctl secret set db FILE
                """
        )
        #expect(world.snapshot.unitRevisions.isEmpty)
        _ = try perform(.set(db, content("one")))
        try world.submit("web.service", Self.user)
        let refusal = #expect(throws: UseCaseError.self) { try perform(.remove([db])) }
        #expect(
            refusal?.message.hasPrefix("the secret db is asked for by web.service: destroy that unit first") == true
        )
        try world.perform(.destroy([try UnitName("web.service")]))
        _ = try perform(.remove([db]))
        #expect(throws: UseCaseError.self) { try perform(.remove([db])) }
    }

    private func container(_ lines: String) throws -> Change {
        var submission = Submission(
            name: try UnitName("web.service"),
            source: try QuadletName("web.container"),
            text: "[Container]\nImage=localhost/own:1\n" + lines
        )
        submission.path = "web.container"
        return Change.submit([submission], target: .inactive, replace: .keep)
    }

    @Test mutating func whatPodmanIsAskedForFleetGives() throws {
        _ = try perform(.set(db, content("one")))
        try world.perform(container("Secret=db,target=/etc/db other\n"))
        let web = try #require(try unit("web.service"))
        #expect(world.snapshot.credentials(for: web.options) == [Credential(kind: .secret, name: db.name)])
        #expect(world.snapshot.users(of: db) == [web.name])
        #expect(throws: UseCaseError.self) { try perform(.remove([db])) }
        // Podman's own until there is one of fleet's.
        let other = CredentialID(.secret, try #require(CredentialName("other")))
        _ = try perform(.set(other, content("two")))
        #expect(world.snapshot.credentials(for: web.options).map(\.source) == [db, other])
    }

    @Test(arguments: ["type=env", "uid=33", "mode=0440", "type=env,target=X", "target=a:b"])
    mutating func whatFleetCannotDoForPodman(option: String) throws {
        let change = try container("Secret=db,\(option)\n")
        #expect(throws: Never.self) { try world.plan(change) }
        _ = try perform(.set(db, content("one")))
        let error = #expect(throws: UseCaseError.self) { try world.plan(change) }
        #expect(error?.message.contains("web.container:3") == true)
        #expect(error?.message.contains("/run/secrets/db; remove \(option.prefix { $0 != "," })") == true)
    }

    @Test mutating func systemdTakesNoMoreThanThis() throws {
        let size = Limits.credentialBytes
        let large = CredentialContent(blob: StoredBlob([1]), size: size, key: nil)
        let ids = try ["a", "b", "c"].map { CredentialID(.config, try #require(CredentialName($0))) }
        for id in ids { _ = try perform(.set(id, large)) }
        let text = "[Service]\nExecStart=/bin/true\n[X-Fleet]\nConfig=a\nConfig=b\n"
        let error = #expect(throws: UseCaseError.self) { try world.submit("web.service", text) }
        #expect(error?.message.contains("have 1048578 bytes with their names") == true)
        _ = try perform(.set(ids[0], CredentialContent(blob: StoredBlob([2]), size: size - 2, key: nil)))
        try world.submit("web.service", text)
        #expect(throws: UseCaseError.self) {
            try perform(.set(ids[0], CredentialContent(blob: StoredBlob([3]), size: size - 1, key: nil)))
        }
    }

    @Test mutating func onlyThoseWhoWantItRestart() throws {
        _ = try perform(.set(db, content("one")))
        let eager = Self.user + "RestartOnChange=restart\n"
        try world.submit("eager.service", eager, .launched)
        try world.submit("down.service", eager, .loaded)
        try world.submit("plain.service", Self.user, .launched)
        let reloading = "[Service]\nExecReload=/bin/true\n" + Self.user + "RestartOnChange=reload\n"
        try world.submit("soft.service", reloading, .launched)
        let before = world.snapshot.units
        let plan = try perform(.set(db, content("two")))
        #expect(plan.restarted.map(\.description) == ["eager.service"])
        #expect(plan.reloaded.map(\.description) == ["soft.service"])
        let soft = try #require(try unit("soft.service"))
        #expect(soft.reload > before[soft.name]?.reload ?? 0 && soft.generation == before[soft.name]?.generation)
        let renewed = try #require(world.snapshot.credentials[db]?.generation)
        let now = try #require(try unit("eager.service"))
        let old = try #require(before[try UnitName("eager.service")])
        #expect(now.generation == renewed && now.restart == renewed && renewed > old.generation)
        #expect(try unit("plain.service") == before[try UnitName("plain.service")])
        // A later wish of the user's is newer still.
        try world.perform(.restart([try UnitName("eager.service")]))
        let generation = try #require(try unit("eager.service")).generation
        #expect(generation > renewed)
        // Under another key it is the same secret.
        let resealed = try perform(.reseal(db.name, content("two, sealed otherwise")))
        #expect(resealed.restarted == [])
        #expect(try unit("eager.service")?.generation == generation)
        #expect(blobs == [ContentHash(of: "two, sealed otherwise")])
    }

    @Test mutating func aHundredUsersFitIntoOneTransaction() throws {
        _ = try perform(.set(db, content("one")))
        for number in 0..<200 {
            try world.submit("u\(number).service", Self.user + "RestartOnChange=restart\n", .launched)
        }
        let plan = try perform(.set(db, content("two")))
        #expect(plan.restarted.count == 200)
        let generation = world.snapshot.credentials[db]?.generation
        #expect(world.snapshot.units.values.allSatisfy { $0.generation == generation })
    }
}
