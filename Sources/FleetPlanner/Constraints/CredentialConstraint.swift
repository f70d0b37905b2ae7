import FleetModel

/// A unit goes where it gets all its configs and secrets: they are set, and the machine can open the secrets.
///
/// Where the unit is already, neither is a reason to stop it (promise P1): it has got what it needs.
enum CredentialConstraint {
    static func reason(_ unit: Unit, on host: Host, as standing: Standing, in world: World) -> IneligibleReason? {
        guard standing == .newcomer else { return nil }
        for credential in world.snapshot.credentials(for: unit.options) {
            guard let record = world.snapshot.credentials[credential.source] else {
                return .credentialMissing(credential.source)
            }
            if let key = record.key, !host.secretKeys.contains(key) { return .noSecretKey(key, credential.name) }
        }
        return nil
    }
}
