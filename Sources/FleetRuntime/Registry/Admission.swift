package import FleetRegistry

/// Port: whether this machine may act in the fleet under its id.
package protocol Admission: Sendable {
    /// Returns when it may, or when the registry does not say; not while another machine has its id.
    func admitted() async
    /// Another machine has its id.
    var isRefused: Bool { get async }
}

/// Port: the leases that this machine has had since it booted, kept over a restart of this process and not over a boot.
package protocol LeaseMemory: Sendable {
    func leases() -> OwnLeases
    func keep(_ leases: OwnLeases) throws
}
