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
        return messages + nativeSecrets(of: submission.source, file)
    }

    /// Podman writes the secrets of its own `Secret=` below `/var/lib/containers`, in plain text, whatever driver has
    /// them (seen with podman 5.4, with `type=mount`, in the container's `userdata/secrets`).
    private func nativeSecrets(of source: QuadletName?, _ file: ParsedUnitFile) -> [String] {
        guard source?.kind == .container else { return [] }
        return file.options(section: QuadletKind.container.section, key: "Secret").compactMap { option in
            let name = option.value.prefix { $0 != "," }
            guard let name = CredentialName(name), snapshot.credentials[CredentialID(.secret, name)] != nil else {
                return nil
            }
            return file.error(
                at: option,
                "Secret=\(name) of [Container] is podman's own, which writes secrets to the disk in plain text; write "
                    + "Secret=\(name) in [X-Fleet], and the container finds it as /run/secrets/\(name)"
            ).description
        }
    }
}
