package import FleetAPI
package import FleetModel

/// What the API's routes may ask of the running fleetd about configs and secrets. Nothing here gives out a secret.
package protocol CredentialControl: Sendable {
    /// Returns after the change is durable and folded into the snapshot. Setting the same content again changes
    /// nothing.
    func setCredential(
        _ id: CredentialID,
        to content: [UInt8],
        by user: String
    ) async throws(APIError) -> CredentialReport

    func removeCredential(_ id: CredentialID, by user: String) async throws(APIError) -> CredentialReport

    func content(ofConfig name: CredentialName) async throws(APIError) -> [UInt8]

    /// Seals every secret under this machine's first key, and leaves nothing under another one.
    func rotateSecrets(by user: String) async throws(APIError) -> RotationReport
}
