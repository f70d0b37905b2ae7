package import UnitFile

/// Whether what the registry keeps for units may be read by people.
package enum CredentialKind: String, Hashable, Comparable, Sendable, Codable, CaseIterable {
    /// Kept and shown as it is.
    case config
    /// Kept sealed, and never shown: only the machine that starts a user of it opens it, at that moment.
    case secret

    package static func < (left: CredentialKind, right: CredentialKind) -> Bool { left.rawValue < right.rawValue }
}

/// Names a config or a secret; one of each may have the same name.
package struct CredentialID: Hashable, Comparable, Sendable, Codable, CustomStringConvertible {
    package var kind: CredentialKind
    package var name: CredentialName

    package init(_ kind: CredentialKind, _ name: CredentialName) {
        self.kind = kind
        self.name = name
    }

    package static func < (left: CredentialID, right: CredentialID) -> Bool {
        (left.kind, left.name) < (right.kind, right.name)
    }

    /// `secret db-password`
    package var description: String { "\(kind.rawValue) \(name)" }
}

/// A config or secret as a unit wants it: `Config=` and `Secret=` of `[X-Fleet]`.
package struct Credential: Hashable, Sendable, Codable {
    package var kind: CredentialKind
    /// What the registry has it under.
    package var name: CredentialName
    /// What systemd gives it to the unit under: the file in `$CREDENTIALS_DIRECTORY`.
    package var id: CredentialName

    package init(kind: CredentialKind, name: CredentialName, id: CredentialName? = nil) {
        self.kind = kind
        self.name = name
        self.id = id ?? name
    }

    /// The config or secret that is wanted.
    package var source: CredentialID { CredentialID(kind, name) }
}

/// What becomes of a unit when a config or secret that it is given is set anew: `RestartOnChange=`.
package enum ChangeResponse: String, Hashable, Sendable {
    /// It has the new content at its next start.
    case nothing = "no"
    /// The new content takes the place of the old one while the unit runs, and systemd reloads it.
    case reload
    case restart
}

/// What the registry says of a config or secret. Stored at `configs/NAME` and `secrets/NAME`; the content is apart, at
/// `blobs/HASH`, so that whoever follows the registry need not keep it.
package struct CredentialRecord: Hashable, Sendable, Codable {
    /// Of a config's content; of a secret's *sealed* content, which says nothing about the secret: a hash of the text
    /// itself would let anybody try passwords until one fits.
    package var blob: ContentHash
    /// Bytes of the content, before sealing.
    package var size: Int
    /// Grows with every change of the content, and is larger than every unit's generation at that moment.
    package var generation: Generation
    package var set: Provenance
    /// The key that a secret is sealed under; nil for a config.
    package var key: SecretKeyID?

    package init(
        blob: ContentHash,
        size: Int,
        generation: Generation,
        set: Provenance,
        key: SecretKeyID? = nil
    ) {
        self.blob = blob
        self.size = size
        self.generation = generation
        self.set = set
        self.key = key
    }
}
