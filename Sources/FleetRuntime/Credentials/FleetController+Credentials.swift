package import FleetAPI
package import FleetModel
import FleetRegistry
import FleetUseCases
import UnitFile

extension FleetController {
    package func setCredential(
        _ id: CredentialID,
        to content: [UInt8],
        by user: String
    ) async throws(APIError) -> CredentialReport {
        guard content.count <= Limits.credentialBytes else {
            throw APIError(
                413,
                "a \(id.kind.rawValue) has at most \(Limits.credentialBytes) bytes; this has \(content.count)"
            )
        }
        // Before anything is sealed or a key is made.
        try await refuseUnlessWritable()
        if try await holds(id, content) { return CredentialReport(changed: false) }
        let kept = try await keeping(content, as: id)
        return try await performCredentials(.set(id, kept), by: user)
    }

    package func removeCredential(_ id: CredentialID, by user: String) async throws(APIError) -> CredentialReport {
        try await performCredentials(.remove([id]), by: user)
    }

    package func content(ofConfig name: CredentialName) async throws(APIError) -> [UInt8] {
        let id = CredentialID(.config, name)
        guard let stored = try await newest(id) else {
            throw APIError(404, "there is no \(id); 'fleetctl config list' shows what there is")
        }
        return stored.blob.bytes
    }

    package func rotateSecrets(by user: String) async throws(APIError) -> RotationReport {
        try await refuseUnlessWritable()
        let key = try box { box throws(SecretBoxError) in try box.keys().first }
        let secrets = try await snapshot().credentials.keys.filter { $0.kind == .secret }.sorted()
        guard let key else {
            guard secrets.isEmpty else {
                throw APIError(409, "this machine has no key for secrets: ask one that has, or put its keys here")
            }
            return RotationReport(key: nil, sealed: 0)
        }
        try refuse(
            try await snapshot().machinesWithout(key),
            key,
            "put the key there too and 'systemctl reload fleetd', then rotate"
        )
        // What is set there afterwards would be sealed under an old key again, which is about to go.
        let late = try await snapshot().presentMachines.filter { $0.presence?.secretKeys?.first != key }
        guard late.isEmpty else {
            throw APIError(
                409,
                "\(Self.names(late)) would go on sealing under another key: put the line of \(key) first there too and "
                    + "'systemctl reload fleetd', then rotate"
            )
        }
        var sealed = 0
        for id in secrets {
            if try await reseal(id, under: key, by: user) { sealed += 1 }
        }
        let absent = try await snapshot().absentMachinesWithSecrets
        return RotationReport(key: key, sealed: sealed, absent: absent.isEmpty ? nil : absent)
    }

    /// For an error that says whom it would shut out.
    private func refuse(_ lacking: [Machine], _ key: SecretKeyID, _ wayOut: String) throws(APIError) {
        guard !lacking.isEmpty else { return }
        throw APIError(
            409,
            "\(Self.names(lacking)) would not be able to open what is sealed under the key \(key): \(wayOut)"
        )
    }

    private static func names(_ machines: [Machine]) -> String {
        machines.map { "\($0.id.short) (\($0.presence?.hostname ?? ""))" }.joined(separator: ", ")
    }

    /// False when it is under that key already, or gone.
    private func reseal(_ id: CredentialID, under key: SecretKeyID, by user: String) async throws(APIError) -> Bool {
        for _ in 0..<Self.tries {
            guard let stored = try await newest(id), stored.record.key != key else { return false }
            var content = try box { box throws(SecretBoxError) in try stored.opened(id, with: box) }
            let kept = try await keeping(content, as: id)
            wipe(&content)
            if try await commit(.reseal(id.name, kept), by: user, ifStill: stored.record) != nil { return true }
        }
        throw APIError(409, "the \(id) changed \(Self.tries) times meanwhile; rotate again")
    }

    /// It has just this content.
    private func holds(_ id: CredentialID, _ content: [UInt8]) async throws(APIError) -> Bool {
        guard let record = try await snapshot().credentials[id] else { return false }
        guard id.kind == .secret else { return record.blob == ContentHash(of: content) }
        // One that cannot be opened here any more is mended by setting it again.
        guard record.size == content.count, let stored = try await newest(id),
            var old = try? stored.opened(id, with: secrets)
        else { return false }
        defer { wipe(&old) }
        return old == content
    }

    /// The content as the registry is to have it.
    private func keeping(_ content: [UInt8], as id: CredentialID) async throws(APIError) -> CredentialContent {
        guard id.kind == .secret else { return CredentialContent(blob: StoredBlob(content), size: content.count) }
        let before = try box { box throws(SecretBoxError) in try box.keys() }
        if let key = before.first { try await refuseToShutOut(id, key) }
        let sealed = try box { box throws(SecretBoxError) in try box.seal(content, for: id.name) }
        if !before.contains(sealed.key) { await keysChanged() }
        return CredentialContent(blob: StoredBlob(sealed.bytes), size: content.count, key: sealed.key)
    }

    /// Machines that have the secret now must have it afterwards: a unit there may be restarted because of it.
    private func refuseToShutOut(_ id: CredentialID, _ key: SecretKeyID) async throws(APIError) {
        let snapshot = try await snapshot()
        let lacking = snapshot.machinesWithout(key).filter { snapshot.has(id, on: $0) }
        try refuse(lacking, key, "put the key there too and 'systemctl reload fleetd', or set it on another machine")
    }

    private func performCredentials(
        _ change: CredentialChange,
        by user: String
    ) async throws(APIError) -> CredentialReport {
        for _ in 0..<Self.tries {
            try await refuseUnlessWritable()
            if let report = try await commit(change, by: user) { return report }
        }
        throw APIError(409, "the registry changed \(Self.tries) times while this request was made; try again")
    }

    /// nil after a conflict, or when the record is another one than `known`.
    private func commit(
        _ change: CredentialChange,
        by user: String,
        ifStill known: CredentialRecord? = nil
    ) async throws(APIError) -> CredentialReport? {
        let snapshot = try await snapshot()
        if let known, case .reseal(let name, _) = change,
            snapshot.credentials[CredentialID(.secret, name)] != known
        {
            try await catchUp()
            return nil
        }
        let plan = try plan(change, on: snapshot, by: user)
        guard let step = plan.step else { return CredentialReport(changed: false) }
        guard try await !commit([step]).conflicted else {
            try await catchUp()
            return nil
        }
        return CredentialReport(changed: true, restarted: plan.restarted, reloaded: plan.reloaded)
    }

    private func newest(_ id: CredentialID) async throws(APIError) -> CredentialContents.Stored? {
        do throws(StoreError) {
            return try await contents.newest(id)
        } catch {
            throw APIError(503, "the registry cannot be read: \(error)")
        }
    }

    private func box<Value>(
        _ body: (any SecretBox) throws(SecretBoxError) -> Value
    ) throws(APIError) -> Value {
        do throws(SecretBoxError) {
            return try body(secrets)
        } catch {
            throw APIError(error.code == .noKey ? 409 : 500, error.message)
        }
    }
}
