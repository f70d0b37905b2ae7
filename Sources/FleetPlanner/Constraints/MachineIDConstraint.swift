import FleetModel

/// `MachineID=`: the full id, or its first eight digits as fleet's code accepted.
enum MachineIDConstraint {
    static func reason(_ options: FleetOptions, on host: Host) -> IneligibleReason? {
        guard let wanted = options.machineID, !options.matchesMachineID(host.id, hostname: host.hostname) else {
            return nil
        }
        return .otherMachine(wanted: wanted.text(machine: host.id, hostname: host.hostname))
    }
}
