package import FleetModel

/// What makes systemd ask fleetd for a unit's configs and secrets whenever it starts the unit (systemd.exec(5),
/// `LoadCredential=`): it connects to the socket once for each, and says which by its address. So nothing is written
/// anywhere but where systemd keeps credentials, in memory that is not swapped.
package enum CredentialDropIn {
    /// `socket` is the path on which fleetd is asked.
    package static func text(for credentials: [Credential], socket: String) -> String {
        let lines = credentials.sorted { $0.id < $1.id }.map { "LoadCredential=\($0.id):\(socket)" }
        // Every program that reads containers-auth.json(5) looks there first.
        let login =
            credentials.contains { $0.id == .registryAuth }
            ? "Environment=REGISTRY_AUTH_FILE=%d/\(CredentialName.registryAuth)\n" : ""
        return "# Written by fleetd, for what this unit has in Config= and Secret=.\n[Service]\n"
            + lines.map { $0 + "\n" }.joined() + login
    }
}
