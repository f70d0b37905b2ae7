import FleetModel
import UnitFile

/// Whether all that a unit file asks for is there, before it is stored.
struct CredentialCheck {
    let snapshot: Snapshot

    func problems(of submission: Submission) -> [String] {
        guard let text = submission.text,
            let (file, section, options) = try? UnitValidation.validate(
                name: submission.name,
                source: submission.source,
                text: text,
                path: submission.path
            )
        else { return [] }
        let missing = options.credentials.filter { snapshot.credentialRevisions[$0.source] == nil }
        let messages = missing.map { credential in
            let source = credential.source
            return section.error(
                at: credential,
                of: submission.name,
                "there is no \(source) in the registry; set it first: fleetctl \(source.kind.rawValue) set "
                    + "\(source.name) FILE"
            ).description
        }
        return messages + podmanSecrets(of: submission.source, file, options)
            + [excess(of: options, in: submission.name)].compactMap { $0 }
    }

    /// What fleet has and cannot deliver as the file asks podman to.
    private func podmanSecrets(of source: QuadletName?, _ file: ParsedUnitFile, _ options: FleetOptions) -> [String] {
        guard source?.kind == .container else { return [] }
        return PodmanSecret.all(in: file).compactMap { secret in
            let id = CredentialID(.secret, secret.name)
            guard snapshot.credentials[id] != nil else { return nil }
            let problem: String
            if let unknown = secret.unknown {
                problem =
                    "\(unknown.printable(limit: 40)) is not for fleet's \(id): podman would write it to the disk in plain "
                    + "text, and fleet gives it as a file of root's, /run/secrets/\(secret.name); remove "
                    + "\(unknown.printable(limit: 40)), or call podman's own secret something else"
            } else if let other = options.credentials.first(where: { $0.id == secret.name && $0.source != id }) {
                problem = "\(other.source) comes to the unit as \(other.id) already; give that one another name"
            } else {
                return nil
            }
            return file.error(at: secret.option, "Secret=\(secret.text.printable(limit: 60)): \(problem)").description
        }
    }

    /// nil when systemd takes all that a unit with these options is given.
    func excess(of options: FleetOptions, in unit: UnitName, with new: (CredentialID, size: Int)? = nil) -> String? {
        let credentials = snapshot.credentials(for: options)
        let bytes = credentials.map { credential in
            let size = credential.source == new?.0 ? new?.size : snapshot.credentials[credential.source]?.size
            return (size ?? 0) + credential.id.description.utf8.count
        }
        let sum = bytes.reduce(0, +)
        guard sum > Limits.unitCredentialBytes else { return nil }
        return "\(unit): its configs and secrets have \(sum) bytes with their names, and systemd gives a unit at most "
            + "\(Limits.unitCredentialBytes): take some out, or make them smaller"
    }
}
