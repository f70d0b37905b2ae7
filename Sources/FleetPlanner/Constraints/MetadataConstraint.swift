import FleetModel

/// `MachineMetadata=`: for every key, the machine has one of the values. Of several keys that do not fit, the first in
/// order is the reason.
enum MetadataConstraint {
    static func reason(_ options: FleetOptions, on host: Host) -> IneligibleReason? {
        guard !options.metadata.isEmpty else { return nil }
        let misfit = options.metadata.filter { key, wanted in
            host.metadata[key].map { !wanted.contains($0) } ?? true
        }
        guard let first = misfit.min(by: { $0.key < $1.key }) else { return nil }
        return .metadata(key: first.key, wanted: first.value.sorted(), found: host.metadata[first.key])
    }
}
