package import FleetModel
package import UnitFile

// `GET /fleet/v2/configs` and `/fleet/v2/secrets` answer a `CredentialListing`, `GET /fleet/v2/configs/NAME` a
// `ConfigContent`. `PUT` of either with a `NAME` takes a `CredentialUpload`, `DELETE` nothing; both answer a
// `CredentialReport`. `POST /fleet/v2/secrets` seals all secrets under this machine's first key, and answers a
// `RotationReport`. Nothing answers the content of a secret.

/// What there is of one kind.
package struct CredentialListing: Hashable, Sendable, Codable {
    package struct Row: Hashable, Sendable, Codable {
        package var name: CredentialName
        /// Bytes of the content.
        package var size: Int
        package var set: Provenance
        /// The units whose files ask for it.
        package var usedBy: [UnitName]
        /// What a secret is sealed under; absent for a config.
        package var key: SecretKeyID?
    }

    package var kind: CredentialKind
    package var rows: [Row]

    package init(of kind: CredentialKind, in snapshot: Snapshot) {
        self.kind = kind
        rows = snapshot.credentials.filter { $0.key.kind == kind }.sorted { $0.key < $1.key }.map { id, record in
            Row(
                name: id.name,
                size: record.size,
                set: record.set,
                usedBy: snapshot.users(of: id),
                key: record.key
            )
        }
    }

    /// For tests of what reads a listing.
    package init(kind: CredentialKind, rows: [Row]) {
        self.kind = kind
        self.rows = rows
    }
}

extension CredentialListing.Row {
    package init(
        _ name: CredentialName,
        size: Int,
        set: Provenance,
        usedBy: [UnitName] = [],
        key: SecretKeyID? = nil
    ) {
        self.init(name: name, size: size, set: set, usedBy: usedBy, key: key)
    }
}

/// A config's content.
package struct ConfigContent: Hashable, Sendable, Codable {
    /// In base64, because it may be any bytes.
    package var data: String

    package init(data: String) { self.data = data }
}

/// New content of a config or secret.
package struct CredentialUpload: Hashable, Sendable, Codable {
    /// In base64.
    package var data: String

    package init(data: String) { self.data = data }
}

/// What a change did.
package struct CredentialReport: Hashable, Sendable, Codable {
    /// False when everything was so already.
    package var changed: Bool
    /// The units that restart because of it.
    package var restarted: [UnitName]
    /// The units that are reloaded because of it; absent for none.
    package var reloaded: [UnitName]?

    package init(changed: Bool, restarted: [UnitName] = [], reloaded: [UnitName] = []) {
        self.changed = changed
        self.restarted = restarted
        self.reloaded = reloaded.isEmpty ? nil : reloaded
    }
}

/// What a rotation did.
package struct RotationReport: Hashable, Sendable, Codable {
    /// The key that all secrets are sealed under now; absent when there are none.
    package var key: SecretKeyID?
    /// How many were sealed anew.
    package var sealed: Int
    /// Machines that are not present and have units with secrets: which keys they have is not known. Absent for none.
    package var absent: [MachineID]?

    package init(key: SecretKeyID?, sealed: Int, absent: [MachineID]? = nil) {
        self.key = key
        self.sealed = sealed
        self.absent = absent
    }
}
