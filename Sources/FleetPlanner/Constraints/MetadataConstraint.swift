import FleetModel

/// `MachineMetadata=`: for every key, the machine has one of the values. Of several keys that do not fit, the first in
/// order is the reason.
enum MetadataConstraint {
    static func reason(_ options: FleetOptions, on host: Host) -> IneligibleReason? {
        let metadata = host.metadata
        guard let misfit = options.unmatchedMetadata(machine: host.id, hostname: host.hostname, metadata: metadata)
        else { return nil }
        return .metadata(key: misfit.key, wanted: misfit.wanted, found: metadata[misfit.key])
    }
}
