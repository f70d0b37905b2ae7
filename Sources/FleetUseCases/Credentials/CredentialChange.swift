package import FleetModel
package import FleetRegistry
package import UnitFile

/// A change of the configs and secrets that the registry keeps.
package enum CredentialChange: Hashable, Sendable {
    /// Keep this content from now on. The units that have `RestartOnChange=` for it are restarted or reloaded: the
    /// engine sees the record's generation.
    case set(CredentialID, CredentialContent)
    /// The content is the same, under another key: no unit need know.
    case reseal(CredentialName, CredentialContent)
    /// Refused, all of it, while a stored unit asks for one of them.
    case remove([CredentialID])
}

/// Content as the registry keeps it.
package struct CredentialContent: Hashable, Sendable {
    package var blob: StoredBlob
    /// Bytes before sealing.
    package var size: Int
    /// What it is sealed under; nil for a config.
    package var key: SecretKeyID?

    package init(blob: StoredBlob, size: Int, key: SecretKeyID? = nil) {
        self.blob = blob
        self.size = size
        self.key = key
    }
}

/// What a change comes to on one snapshot: one transaction, because a config and its content must never be apart.
package struct CredentialPlan: Hashable, Sendable {
    /// nil when everything is so already.
    package var transaction: Transaction?
    /// The units that are restarted, and those that are reloaded; sorted.
    package var restarted: [UnitName] = []
    package var reloaded: [UnitName] = []

    /// The transaction as a step of a change, of no unit.
    package var step: ChangePlan.Step? { transaction.map { ChangePlan.Step(units: [], transaction: $0) } }
}

extension CredentialChange {
    package func plan(
        on snapshot: Snapshot,
        by user: Provenance,
        keyspace: Keyspace,
        events: inout EventIDs
    ) throws(UseCaseError) -> CredentialPlan {
        var planner = CredentialPlanner(snapshot: snapshot, user: user, keyspace: keyspace)
        switch self {
        case .set(let id, let content): return try planner.set(id, content, &events)
        case .reseal(let name, let content): return try planner.reseal(CredentialID(.secret, name), content)
        case .remove(let ids): return try planner.remove(Set(ids).sorted())
        }
    }
}

private struct CredentialPlanner {
    let snapshot: Snapshot
    let user: Provenance
    let keyspace: Keyspace
    var transaction = Transaction()

    /// Units that are told why they are restarted or reloaded, in the transaction that makes them: more do not fit. The
    /// rest learn it from the engine.
    private static let toldUnits = Limits.operationsPerTransaction - 8

    mutating func set(
        _ id: CredentialID,
        _ content: CredentialContent,
        _ events: inout EventIDs
    ) throws(UseCaseError) -> CredentialPlan {
        let old = snapshot.credentials[id]
        guard old?.blob != content.blob.hash else { return CredentialPlan(transaction: nil) }
        let users = snapshot.users(of: id)
        let check = CredentialCheck(snapshot: snapshot)
        for unit in users.compactMap({ snapshot.units[$0] }) where content.size > old?.size ?? 0 {
            if let problem = check.excess(of: unit.options, in: unit.name, with: (id, content.size)) {
                throw UseCaseError(.conflict, unit.name, problem)
            }
        }
        let restarted = users.filter { old != nil && answers($0, by: .restart) }
        let reloaded = users.filter { old != nil && answers($0, by: .reload) }
        put(id, content, generation: nextGeneration(above: users), set: user)
        let told = restarted.map { ($0, UnitEvent.Kind.restart) } + reloaded.map { ($0, .reload) }
        for (unit, kind) in told.prefix(Self.toldUnits) {
            let word = kind.rawValue
            let message = "\(word), because the \(id) was set anew by \(user.by) (RestartOnChange=\(word))"
            let event = UnitEvent(at: user.at, unit: unit, kind: kind, message: message)
            let key = RegistryKey.event(unit, events.next(at: user.at)).key(in: keyspace)
            transaction.operations.append(.put(key, RegistryValue.encode(event), lease: nil))
        }
        return CredentialPlan(transaction: transaction, restarted: restarted, reloaded: reloaded)
    }

    private func answers(_ name: UnitName, by response: ChangeResponse) -> Bool {
        guard let unit = snapshot.units[name] else { return false }
        return unit.options.onChange == response && unit.target.state == .launched
    }

    mutating func reseal(_ id: CredentialID, _ content: CredentialContent) throws(UseCaseError) -> CredentialPlan {
        guard let old = snapshot.credentials[id] else { throw Self.missing(id) }
        put(id, content, generation: old.generation, set: old.set)
        return CredentialPlan(transaction: transaction)
    }

    mutating func remove(_ ids: [CredentialID]) throws(UseCaseError) -> CredentialPlan {
        for id in ids {
            guard snapshot.credentialRevisions[id] != nil else { throw Self.missing(id) }
            let users = snapshot.users(of: id)
            guard users.isEmpty else {
                throw UseCaseError(
                    .conflict,
                    nil,
                    "the \(id) is asked for by \(users.map(\.description).joined(separator: ", ")): destroy "
                        + (users.count == 1 ? "that unit" : "those units") + " first, or submit it without"
                )
            }
        }
        for id in ids {
            let key = RegistryKey.credential(id)
            transaction.compares.append(compare(key, snapshot.credentialRevisions[id]))
            transaction.operations.append(.delete(.key(key.key(in: keyspace))))
        }
        drop(Set(ids.compactMap { snapshot.credentials[$0]?.blob }), usedBy: Set(ids))
        return CredentialPlan(transaction: transaction)
    }

    private mutating func put(
        _ id: CredentialID,
        _ content: CredentialContent,
        generation: Generation,
        set: Provenance
    ) {
        let hash = content.blob.hash
        let record = CredentialRecord(
            blob: hash,
            size: content.size,
            generation: generation,
            set: set,
            key: content.key
        )
        let key = RegistryKey.credential(id)
        transaction.compares.append(compare(key, snapshot.credentialRevisions[id]))
        transaction.operations += [
            .put(key.key(in: keyspace), RegistryValue.encode(record), lease: nil),
            // Also when it is stored already: whoever is about to drop it must notice this user.
            .put(RegistryKey.blob(hash).key(in: keyspace), RegistryValue.encode(content.blob), lease: nil),
        ]
        if let old = snapshot.credentials[id]?.blob, old != hash { drop([old], usedBy: [id]) }
    }

    /// Deletes blobs that only these have used.
    private mutating func drop(_ blobs: Set<ContentHash>, usedBy ids: Set<CredentialID>) {
        let others = snapshot.credentials.filter { !ids.contains($0.key) }.map(\.value.blob)
        for blob in blobs.subtracting(others).sorted() {
            guard let at = snapshot.blobRevisions[blob] else { continue }
            let key = RegistryKey.blob(blob).key(in: keyspace)
            transaction.compares.append(.modified(key, at: at))
            transaction.operations.append(.delete(.key(key)))
        }
    }

    /// Larger than all that was ever asked of the units that have it, so that every one of them sees a new run. The
    /// registry's revision grows with each change; an import may have brought larger numbers.
    private func nextGeneration(above users: [UnitName]) -> Generation {
        var largest = snapshot.revision.number
        for unit in users {
            largest = max(largest, snapshot.units[unit]?.generation ?? 0)
            for assignment in (snapshot.assignments[unit] ?? [:]).values {
                largest = max(largest, assignment.generation)
            }
            for status in (snapshot.statuses[unit] ?? [:]).values {
                largest = max(largest, status.run?.generation ?? 0)
            }
        }
        return largest + 1
    }

    private func compare(_ key: RegistryKey, _ revision: Revision?) -> Compare {
        .unchanged(key.key(in: keyspace), since: revision)
    }

    private static func missing(_ id: CredentialID) -> UseCaseError {
        UseCaseError(.notFound, nil, "there is no \(id); 'fleetctl \(id.kind.rawValue) list' shows what there is")
    }
}
