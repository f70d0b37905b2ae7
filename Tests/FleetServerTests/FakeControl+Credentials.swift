import FleetAPI
import FleetModel
import FleetRegistry
import FleetRuntime
import FleetUseCases

/// "Seals" by turning every bit, so that a test sees what is given out.
extension FakeControl {
    func setCredential(
        _ id: CredentialID,
        to content: [UInt8],
        by user: String
    ) async throws(APIError) -> CredentialReport {
        let isSecret = id.kind == .secret
        let bytes = isSecret ? content.map { ~$0 } : content
        let key = isSecret ? SecretKeyID("0123abcd") : nil
        return try change(
            .set(id, CredentialContent(blob: StoredBlob(bytes), size: content.count, key: key)),
            by: user
        )
    }

    func removeCredential(_ id: CredentialID, by user: String) async throws(APIError) -> CredentialReport {
        try change(.remove([id]), by: user)
    }

    func content(ofConfig name: CredentialName) async throws(APIError) -> [UInt8] {
        guard let bytes = blob(of: CredentialID(.config, name)) else {
            throw APIError(404, "there is no config \(name)")
        }
        return bytes
    }

    func rotateSecrets(by user: String) async throws(APIError) -> RotationReport {
        RotationReport(key: SecretKeyID("0123abcd"), sealed: 2)
    }
}
