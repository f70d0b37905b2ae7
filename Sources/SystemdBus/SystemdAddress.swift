/// Where a systemd listens.
package struct SystemdAddress: Hashable, Sendable {
    /// A D-Bus address, such as `unix:path=/run/systemd/private`.
    package var address: String
    /// A message bus is in between: it wants a Hello and matches, and it can be restarted on its own.
    package var isMessageBus: Bool

    package init(_ address: String, isMessageBus: Bool = false) {
        self.address = address
        self.isMessageBus = isMessageBus
    }

    /// systemd's own socket, which only root may use: no daemon in between, so it works while D-Bus is down.
    package static let privateSocket = SystemdAddress("unix:path=/run/systemd/private")
    /// The system bus.
    package static let systemBus = SystemdAddress("unix:path=/run/dbus/system_bus_socket", isMessageBus: true)
    /// What fleetd tries, in this order.
    package static let standard = [privateSocket, systemBus]
}

/// Where unit files are, as this process and as systemd sees them. Both differ only in tests.
package struct SystemdPaths: Hashable, Sendable {
    /// Prefix of every path below for this process; empty on a real machine, `/proc/PID/root` for a machine in a
    /// namespace.
    package var root: String
    /// The folder of systemd's runtime units, where our links are.
    package var links: String
    /// The folder our links point into. A link into it is what makes a unit ours.
    package var units: String
    /// The folder that says which `AtMostOnce=` units systemd may start.
    package var allowed: String
    /// Services that were made for what units of ours need beside them. Our links into this folder make no unit ours.
    package var companions: String
    /// Where podman's Quadlet generator works.
    package var quadlet: String
    /// Where podman has its volumes.
    package var volumes: String
    /// Where the state directories of units are.
    package var state: String

    package init(
        root: String = "",
        links: String = "/run/systemd/system",
        units: String = "/run/fleet/units",
        allowed: String = "/run/fleet/allowed",
        companions: String = "/run/fleet/companions",
        quadlet: String = "/run/fleet/quadlet",
        volumes: String = "/var/lib/containers/storage/volumes",
        state: String = "/var/lib"
    ) {
        self.root = root
        self.links = links
        self.units = units
        self.allowed = allowed
        self.companions = companions
        self.quadlet = quadlet
        self.volumes = volumes
        self.state = state
    }
}
