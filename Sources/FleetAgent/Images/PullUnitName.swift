package import FleetModel
package import UnitFile

/// What the transient services that fetch images are called. Only root can start units of such names, so whoever asks
/// for a secret under one may have it (`CredentialPeer`).
package enum PullUnitName {
    private static let prefix = "fleet-pull-"
    /// All of them, for systemd's `ListUnitsByPatterns`.
    package static let pattern = "fleet-pull-*.service"

    /// One for each image and login, so that nothing is fetched twice at the same time, and so that a fleetd which is
    /// started meanwhile finds what its predecessor has begun.
    package static func name(for image: String, auth: CredentialName?) -> String {
        let hash = ContentHash(of: image + "\n" + (auth?.description ?? "")).description.prefix(16)
        return "\(prefix)\(hash).service"
    }

    package static func isOne(_ unit: UnitName) -> Bool {
        unit.type == .service && unit.description.hasPrefix(prefix)
    }
}
