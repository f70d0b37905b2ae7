import FleetModel
import FleetRegistry
import Testing
import UnitFile

/// How configs and secrets are stored and folded.
@Suite struct CredentialFeedTests {
    private let keyspace = Keyspace.standard

    private func record(_ generation: Generation, key: SecretKeyID? = nil) -> CredentialRecord {
        CredentialRecord(
            blob: ContentHash(of: "x"),
            size: 1,
            generation: generation,
            set: Provenance(at: Timestamp(milliseconds: 5), by: "root"),
            key: key
        )
    }

    @Test func keys() throws {
        let name = try #require(CredentialName("db-password_1.key"))
        let blob = ContentHash(of: "x")
        for (key, path) in [
            (RegistryKey.credential(CredentialID(.config, name)), "configs/db-password_1.key"),
            (.credential(CredentialID(.secret, name)), "secrets/db-password_1.key"), (.blob(blob), "blobs/\(blob)"),
        ] {
            #expect(key.key(in: keyspace).description == "/fleet/" + path)
            #expect(RegistryKey(key.key(in: keyspace), in: keyspace) == key)
        }
        for path in ["secrets/.db", "secrets/a/b", "configs/", "blobs/abc"] {
            #expect(RegistryKey(Key("/fleet/" + path), in: keyspace) == nil)
        }
    }

    @Test func forms() throws {
        let secret = record(3, key: SecretKeyID("0123abcd"))
        let text = String(decoding: RegistryValue.encode(secret), as: UTF8.self)
        #expect(text.contains(#""key":"0123abcd""#) && text.contains(#""v":1"#))
        #expect(try RegistryValue.decode(CredentialRecord.self, from: Array(text.utf8)) == secret)
        #expect(!String(decoding: RegistryValue.encode(record(3)), as: UTF8.self).contains("key"))
        let bytes = (0...255).map { UInt8($0) }
        let blob = StoredBlob(bytes)
        let stored = RegistryValue.encode(blob)
        #expect(String(validating: stored, as: UTF8.self) != nil)
        #expect(try RegistryValue.decode(StoredBlob.self, from: stored).bytes == bytes)
        #expect(blob.hash == ContentHash(of: bytes))
    }

    @Test func aChangeTouchesItsUsers() throws {
        let name = try #require(CredentialName("db"))
        let web = try UnitName("web.service")
        let text = "[Service]\nExecStart=/bin/true\n[X-Fleet]\nSecret=db\nRestartOnChange=restart\n"
        let set = Provenance(at: Timestamp(milliseconds: 5), by: "root")
        func entry(_ key: RegistryKey, _ value: [UInt8], _ at: Int64) -> StoreEvent {
            .put(
                StoredEntry(
                    key: key.key(in: keyspace),
                    value: value,
                    created: Revision(at),
                    modified: Revision(at),
                    lease: nil
                )
            )
        }
        let intent = UnitIntent(file: ContentHash(of: text), generation: 1, submitted: set)
        let target = UnitTarget(state: .launched, generation: 2, set: set)
        let secret = CredentialID(.secret, name)
        var feed = SnapshotFeed(keyspace: keyspace)
        _ = feed.apply(
            [
                entry(.credential(secret), RegistryValue.encode(record(1)), 1),
                entry(.file(ContentHash(of: text)), Array(text.utf8), 1),
                entry(.unit(web), RegistryValue.encode(intent), 1),
                entry(.target(web), RegistryValue.encode(target), 1),
            ],
            upTo: Revision(1)
        )
        #expect(feed.snapshot.units[web]?.generation == 2)
        let blob = entry(.blob(ContentHash(of: "x")), RegistryValue.encode(StoredBlob([120])), 2)
        let changes = feed.apply(
            [entry(.credential(secret), RegistryValue.encode(record(9)), 2), blob],
            upTo: Revision(2)
        )
        #expect(changes.units == [web])
        #expect(feed.snapshot.units[web]?.generation == 9)
        #expect(feed.snapshot.units[web]?.restart == 9)
        #expect(feed.snapshot.blobRevisions == [ContentHash(of: "x"): Revision(2)])
        // What cannot be read is there all the same.
        _ = feed.apply([entry(.credential(secret), Array("{}".utf8), 3)], upTo: Revision(3))
        #expect(feed.snapshot.credentials.isEmpty && feed.snapshot.credentialRevisions[secret] == Revision(3))
        #expect(feed.problems.count == 1)
        let gone = feed.apply(
            [.delete(RegistryKey.credential(secret).key(in: keyspace), at: Revision(4))],
            upTo: Revision(4)
        )
        #expect(gone.units == [web] && feed.snapshot.credentialRevisions.isEmpty)
    }
}
