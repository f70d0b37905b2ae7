package import FleetModel
package import FleetRegistry
import UnitFile

/// Reads the contents of configs and secrets, as they are kept: sealed, if it is a secret.
package struct CredentialContents: Sendable {
    /// A record with what is stored for it.
    package struct Stored: Hashable, Sendable, Codable {
        package var record: CredentialRecord
        package var blob: StoredBlob
    }

    private let store: any KeyValueStore
    private let keyspace: Keyspace

    package init(store: any KeyValueStore, keyspace: Keyspace) {
        self.store = store
        self.keyspace = keyspace
    }

    /// What is stored at this moment; nil when there is nothing. `known` saves reading a blob again.
    package func newest(_ id: CredentialID, known: Stored? = nil) async throws(StoreError) -> Stored? {
        // The record may change between both readings; its blob is gone then.
        for _ in 0..<Self.tries {
            let key = RegistryKey.credential(id).key(in: keyspace)
            guard let entry = try await store.range(.key(key), limit: 1).entries.first else { return nil }
            let record = try decode(CredentialRecord.self, entry)
            if let known, known.record.blob == record.blob { return Stored(record: record, blob: known.blob) }
            if let blob = try await blob(record.blob) { return Stored(record: record, blob: blob) }
        }
        throw StoreError(.corrupt, "the content of the \(id) is not in the registry: set it again")
    }

    private static let tries = 3

    private func blob(_ hash: ContentHash) async throws(StoreError) -> StoredBlob? {
        let key = RegistryKey.blob(hash).key(in: keyspace)
        guard let entry = try await store.range(.key(key), limit: 1).entries.first else { return nil }
        let blob = try decode(StoredBlob.self, entry)
        guard blob.hash == hash else { throw StoreError(.corrupt, "\(key) holds something else") }
        return blob
    }

    private func decode<Value: Decodable>(_ type: Value.Type, _ entry: StoredEntry) throws(StoreError) -> Value {
        do throws(RegistryValueError) {
            return try RegistryValue.decode(type, from: entry.value)
        } catch {
            throw StoreError(.corrupt, "\(entry.key) \(error)")
        }
    }
}

extension CredentialContents.Stored {
    /// The content itself. Whoever has it wipes it as soon as it is handed over (`wipe`).
    func opened(_ id: CredentialID, with box: any SecretBox) throws(SecretBoxError) -> [UInt8] {
        guard id.kind == .secret else { return blob.bytes }
        guard let key = record.key else { throw SecretBoxError(.broken, "the \(id) is not sealed: set it again") }
        return try box.open(SealedSecret(key: key, bytes: blob.bytes), for: id.name)
    }
}

/// Overwrites bytes that nobody needs any more.
package func wipe(_ bytes: inout [UInt8]) {
    for index in bytes.indices { bytes[index] = 0 }
    bytes = []
}
