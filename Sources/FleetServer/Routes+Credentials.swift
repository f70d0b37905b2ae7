import FleetAPI
import FleetModel
import FleetRuntime
import FoundationEssentials
import HTTPTypes
import UnitFile

/// `/fleet/v2/configs` and `/fleet/v2/secrets`
extension Routes {
    func list(_ kind: CredentialKind) async throws(APIError) -> Answer {
        .value(CredentialListing(of: kind, in: try await control.snapshot()))
    }

    /// `Route.methods` has let no reading of a secret through.
    func credential(_ id: CredentialID, _ request: APIRequest) async throws(APIError) -> Answer {
        switch request.method {
        case .put: return try await set(id, request)
        case .delete: return .value(try await control.removeCredential(id, by: await request.user()))
        default:
            guard id.kind == .config else { throw APIError(405, "a secret is never shown") }
            let content = try await control.content(ofConfig: id.name)
            return .value(ConfigContent(data: Data(content).base64EncodedString()))
        }
    }

    private func set(_ id: CredentialID, _ request: APIRequest) async throws(APIError) -> Answer {
        let upload = try await request.json(CredentialUpload.self)
        // The message must not have what was sent in it.
        guard let data = Data(base64Encoded: upload.data) else { throw APIError(400, "data: is not base64") }
        var content = Array(data)
        defer { wipe(&content) }
        return .value(try await control.setCredential(id, to: content, by: await request.user()))
    }

    func rotateSecrets(_ request: APIRequest) async throws(APIError) -> Answer {
        .value(try await control.rotateSecrets(by: await request.user()))
    }

    func credentialName(_ text: String) throws(APIError) -> CredentialName {
        guard let name = CredentialName(text) else {
            throw APIError(400, "'\(text.printable(limit: 40))' is not a name: \(CredentialName.rule)")
        }
        return name
    }
}
