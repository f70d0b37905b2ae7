package import FleetModel

/// What `/etc/fleet/fleet.conf` and the `FLEET_*` variables say, checked. docs/configuration.md lists the keys.
package struct Configuration: Hashable, Sendable {
    package enum Registry: String, Hashable, Sendable, CaseIterable {
        /// SQLite in `/var/lib/fleet`: one machine, nothing to install.
        case embedded
        /// An etcd cluster: many machines. `etcd` says where.
        case etcd
    }

    /// 0 logs what an operator should know, 1 and more also why things happen.
    package var verbosity = 0
    package var registry = Registry.embedded
    /// Meaningful with `registry` `etcd` only.
    package var etcd = EtcdSettings()
    /// The first part of every key in the registry.
    package var keyPrefix = "/fleet/"
    /// The address shown for this machine; empty means "of the interface with the default route".
    package var publicIP = ""
    /// What `MachineMetadata=` is compared with.
    package var metadata: [String: String] = [:]
    /// How long the registry waits for a silent machine before it counts as lost.
    package var agentTTL = Limits.standardLease
    /// Rows per page of API v1.
    package var tokenLimit = 100
    /// The file with the keys for secrets; nil for the standard one.
    package var secretKeyFile: String?
    /// This machine never leads.
    package var disableEngine = false

    package init() {}

    /// Of the lease that this machine's presence hangs on.
    package var machineLeaseLife: LeaseLife {
        switch registry {
        case .embedded: .whileOpen
        case .etcd: .ttl(agentTTL)
        }
    }

    /// `etcd`, with the machine's lease.
    package var etcdWithLease: EtcdSettings {
        var settings = etcd
        settings.lease = agentTTL
        return settings
    }

    /// Without a fence, units need not be stopped within less than the shortest lease leaves them.
    package var fenceTiming: FenceTiming {
        switch registry {
        case .embedded: FenceTiming(lease: max(agentTTL, FenceTiming.shortestLease))
        case .etcd: FenceTiming(lease: agentTTL)
        }
    }

    /// Of the lease that the leadership key hangs on: how long the fleet goes without decisions when its leader dies.
    package var leadershipLife: LeaseLife {
        switch registry {
        case .embedded: .whileOpen
        case .etcd: .ttl(Self.leadershipTTL)
        }
    }

    /// `secret_key_file` unless it is set.
    package static let standardSecretKeyFile = "/etc/fleet/secret.keys"

    package static let leadershipTTL = Duration.seconds(5)
}

/// Where a setting came from, for messages: `/etc/fleet/fleet.conf:12` or `the variable FLEET_METADATA`.
package struct ConfigurationError: Error, Hashable, Sendable, CustomStringConvertible {
    package var place: String
    package var message: String

    package init(place: String, message: String) {
        self.place = place
        self.message = message
    }

    package var description: String { "\(place): \(message)" }
}

/// A configuration with what should be said about it.
package struct LoadedConfiguration: Hashable, Sendable {
    package var configuration: Configuration
    /// Keys of old fleet that no longer do anything, each with what to do instead.
    package var warnings: [String]
}
