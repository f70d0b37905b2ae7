import FleetAPI
import FleetModel
import FoundationEssentials

/// Configs and secrets. What is sent goes in the request's body, over a unix socket, and nowhere else.
extension APIClient {
    func credentials(_ kind: CredentialKind) throws -> CredentialListing { try get(path(kind)) }

    func config(_ name: CredentialName) throws -> [UInt8] {
        let content: ConfigContent = try get(path(.config, name))
        guard let data = Data(base64Encoded: content.data) else {
            throw Failure("fleetctl: fleetd's answer is not base64 (compare 'fleetctl version --daemon')")
        }
        return Array(data)
    }

    func setCredential(_ id: CredentialID, to content: [UInt8]) throws -> CredentialReport {
        let upload = CredentialUpload(data: Data(content).base64EncodedString())
        return try get(path(id.kind, id.name), method: "PUT", body: Array(try JSONEncoder().encode(upload)))
    }

    func removeCredential(_ id: CredentialID) throws {
        let _: CredentialReport = try get(path(id.kind, id.name), method: "DELETE")
    }

    func rotateSecrets() throws -> RotationReport { try get(path(.secret), method: "POST") }

    private func path(_ kind: CredentialKind, _ name: CredentialName? = nil) -> RequestPath {
        let folder = kind.rawValue + "s"
        return name.map { RequestPath(folder, $0.description) } ?? RequestPath(folder)
    }
}
