package import FleetModel
package import UnitFile

/// Which unit systemd asks for, and what: it says so in the address that its end of the connection is bound to, an
/// abstract one of the form `RANDOM/unit/UNIT/CREDENTIAL` (systemd.exec(5), `LoadCredential=`).
package struct CredentialPeer: Hashable, Sendable {
    package var unit: UnitName
    package var credential: CredentialName

    package init(unit: UnitName, credential: CredentialName) {
        self.unit = unit
        self.credential = credential
    }

    /// `address` is the name without the zero byte in front; nil for one that is not systemd's.
    package init?(address: String) {
        let parts = address.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
            .map { String(Substring($0)) }
        guard parts.count == 4, !parts[0].isEmpty, parts[1] == "unit", let unit = try? UnitName(parts[2]),
            let credential = CredentialName(parts[3])
        else { return nil }
        self.init(unit: unit, credential: credential)
    }
}
