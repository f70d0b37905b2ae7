/// When a machine asks the registry for an image: the words and meanings of podman-pull(1).
package enum ImagePolicy: String, Hashable, Sendable, Codable, CaseIterable {
    /// Every time the unit is started for a new run.
    case always
    /// When the machine does not have it.
    case missing
    /// Like `always`; if the registry cannot be reached, what the machine has will do.
    case newer
    case never
}

/// The image that a unit needs on its machine before it is started. Part of the unit's assignment, because agents read
/// no unit files.
package struct ImagePull: Hashable, Sendable {
    /// As podman is to be asked for it; with a digest where the unit's image is pinned.
    package var name: String
    package var policy: ImagePolicy
    /// The secret that logs in to the registry: a file as `podman login` writes it (containers-auth.json(5)).
    package var auth: CredentialName?
    /// A pull that takes longer has failed.
    package var timeout: Duration

    package init(
        name: String,
        policy: ImagePolicy = .missing,
        auth: CredentialName? = nil,
        timeout: Duration = Limits.standardPullTimeout
    ) {
        self.name = name
        self.policy = policy
        self.auth = auth
        self.timeout = timeout
    }
}

extension ImagePull: Codable {
    private enum CodingKeys: String, CodingKey {
        case name, policy, auth
        case timeout = "timeoutMs"
    }

    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        name = try values.decode(String.self, forKey: .name)
        policy = try values.decode(ImagePolicy.self, forKey: .policy)
        auth = try values.decodeIfPresent(CredentialName.self, forKey: .auth)
        timeout = .milliseconds(try values.decode(Int64.self, forKey: .timeout))
    }

    package func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(name, forKey: .name)
        try values.encode(policy, forKey: .policy)
        try values.encodeIfPresent(auth, forKey: .auth)
        try values.encode(timeout.milliseconds, forKey: .timeout)
    }
}

/// How the pull of a unit's image goes, as long as it is not there. Part of the unit's status.
package struct PullStatus: Hashable, Sendable, Codable {
    package var image: String
    /// podman's newest line, or why the pull failed; may be empty.
    package var note: String
    /// The newest pull has failed, and another one will follow.
    package var hasFailed: Bool
    /// When the pull began, or failed.
    package var at: Timestamp

    package init(image: String, note: String = "", hasFailed: Bool = false, at: Timestamp) {
        self.image = image
        self.note = note
        self.hasFailed = hasFailed
        self.at = at
    }
}

/// The images that a machine has, by all their names. Stored at `machines/MACHINE/images`; kept when the machine goes.
package struct ImageInventory: Hashable, Sendable, Codable {
    /// Sorted; at most `Limits.inventoryImages`.
    package var names: [String]
    package var at: Timestamp

    package init(names: [String], at: Timestamp) {
        self.names = names
        self.at = at
    }
}
