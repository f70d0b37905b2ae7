package import UnitFile

/// What the transient services are called that fleet has systemd run for one unit: one of a kind for each, so that
/// never two run at once.
package enum OwnUnitName {
    /// `prefix` ends in a dash. Without `@`, which would make it an instance.
    package static func name(_ prefix: String, for unit: UnitName) -> String {
        let escaped = UnitEscaping.escape(unit.description)
        // systemd takes names of up to 255 bytes.
        let part = escaped.utf8.count <= 200 ? escaped : ContentHash(of: unit.description).description
        return "\(prefix)\(part).service"
    }
}

/// What the transient service is called that puts a unit's newest configs and secrets in place. Only root can start
/// units of such names, so whoever asks under one may have what the unit may have (`CredentialPeer`).
package enum ReloadUnitName {
    private static let prefix = "fleet-reload-"
    /// All of them, for systemd's `ListUnitsByPatterns`.
    package static let pattern = "fleet-reload-*.service"

    package static func name(for unit: UnitName) -> String { OwnUnitName.name(prefix, for: unit) }

    package static func isOne(_ unit: UnitName) -> Bool {
        unit.type == .service && unit.description.hasPrefix(prefix)
    }
}
