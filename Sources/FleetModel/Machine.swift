/// A machine as the registry knows it: what it says of itself while it is present, and what operators set on it.
package struct Machine: Hashable, Sendable {
    package var id: MachineID
    /// nil when the machine's lease has ended or it has left: no unit may be assigned to it then.
    package var presence: MachinePresence?
    /// Set by operators (`PATCH /fleet/v1/machines`); durable, wins over `MachinePresence.metadata`. A nil value hides
    /// a configured key.
    package var labels: [String: String?]
    /// Cordon and drain; durable too.
    package var orders: MachineOrders
    /// What is remembered of it while it is not present; nil for one that left in good order, or was forgotten.
    package var known: KnownMachine?

    package init(
        id: MachineID,
        presence: MachinePresence? = nil,
        labels: [String: String?] = [:],
        orders: MachineOrders = MachineOrders(),
        known: KnownMachine? = nil
    ) {
        self.id = id
        self.presence = presence
        self.labels = labels
        self.orders = orders
        self.known = known
    }

    /// As it says itself, or as it said when it was present last; nil when nobody remembers.
    package var hostname: String? { presence?.hostname ?? known?.hostname }

    /// What `MachineMetadata=` is compared with.
    package var metadata: [String: String] {
        var merged = presence?.metadata ?? [:]
        for (key, value) in labels { merged[key] = value }
        return merged
    }
}

/// What stays of a machine that is lost, so that people see what is missing. Stored at `machines/MACHINE/known`, with
/// the presence; durable until the machine leaves in good order or somebody forgets it.
package struct KnownMachine: Hashable, Sendable, Codable {
    package var hostname: String
    package var primaryIP: String

    package init(hostname: String, primaryIP: String) {
        self.hostname = hostname
        self.primaryIP = primaryIP
    }

    package init(_ presence: MachinePresence) {
        self.init(hostname: presence.hostname, primaryIP: presence.primaryIP)
    }
}

/// What a machine says of itself. Hangs on the machine's lease.
package struct MachinePresence: Hashable, Sendable, Codable {
    package var hostname: String
    /// The address shown in tables; empty when the machine has none.
    package var primaryIP: String
    /// `metadata=` of fleet.conf.
    package var metadata: [String: String]
    /// Version of fleetd, for people.
    package var version: String
    /// Version of systemd as its `Version` property gives it; empty when unknown.
    package var systemdVersion: String
    /// Its number, such as 257; nil while systemd could not be asked.
    package var systemd: Int? { Int(systemdVersion.prefix { $0.isASCII && $0.isNumber }) }
    /// Version of the podman whose Quadlet generator the machine has; nil where there is none.
    package var podman: PodmanVersion?
    /// The keys for secrets that the machine has; nil for none.
    package var secretKeys: [SecretKeyID]?
    package var since: Timestamp

    package init(
        hostname: String,
        primaryIP: String,
        metadata: [String: String],
        version: String,
        systemdVersion: String,
        podman: PodmanVersion? = nil,
        secretKeys: [SecretKeyID]? = nil,
        since: Timestamp
    ) {
        self.hostname = hostname
        self.primaryIP = primaryIP
        self.metadata = metadata
        self.version = version
        self.systemdVersion = systemdVersion
        self.podman = podman
        self.secretKeys = secretKeys
        self.since = since
    }
}
