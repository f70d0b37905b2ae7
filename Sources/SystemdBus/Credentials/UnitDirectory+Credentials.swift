import FleetAgent
import FleetModel
import Glibc
import UnitFile

extension UnitDirectory {
    /// Gives the unit the drop-in that asks for these, or takes it away when there are none.
    func setCredentials(_ unit: UnitName, _ credentials: [Credential]) throws(SystemdBusError) {
        guard !credentials.isEmpty else { return removeCredentials(unit) }
        let text = CredentialDropIn.text(for: credentials, socket: CredentialSocket.path)
        guard contents(of: credentialPath(unit)) != text else { return }
        try makeFolder(linkPath(unit) + ".d")
        let path = paths.root + credentialPath(unit)
        try replace(path, with: text, by: path + ".new")
        stampLinks()
    }

    func removeCredentials(_ unit: UnitName) {
        guard unlink(paths.root + credentialPath(unit)) == 0 else { return }
        _ = rmdir(paths.root + linkPath(unit) + ".d")
        stampLinks()
    }

    private func credentialPath(_ unit: UnitName) -> String { linkPath(unit) + ".d/50-fleet-credentials.conf" }
}

/// How a container gets what its unit has in `Config=` and `Secret=`.
enum ContainerCredentials {
    /// The text of a `.container` file with a read-only mount of each at `/run/secrets/CREDENTIAL`, where containers
    /// expect secrets. podman's own secrets would be on its disk, in plain text; this is the file that systemd keeps in
    /// memory for the service (`%d` of systemd.unit(5)).
    ///
    /// What the file asks podman for and the unit is given by fleet is taken out: an empty `Secret=` forgets all, and
    /// what is podman's own comes again after it.
    static func text(_ text: String, with credentials: [Credential]) -> String {
        let mounted = credentials.filter { $0.id != .registryAuth }
        guard !mounted.isEmpty else { return text }
        var lines = mounted.map { "Volume=%d/\($0.id):/run/secrets/\($0.id):ro\n" }
        let words = (try? ParsedUnitFile.parse(text)).map(PodmanSecret.words) ?? []
        var others: [String] = []
        for (word, option) in words {
            let secret = PodmanSecret(word, option)
            let given = mounted.first { $0.kind == .secret && $0.name == secret?.name }
            guard let secret, let given else {
                others.append(word)
                continue
            }
            if let target = secret.target { lines.append("Volume=%d/\(given.id):\(target):ro\n") }
            // Under its own name podman would have put it there too.
            if secret.target == nil, given.id != given.name {
                lines.append("Volume=%d/\(given.id):/run/secrets/\(given.name):ro\n")
            }
        }
        if others.count < words.count { lines += ["Secret=\n"] + others.map { "Secret=\($0)\n" } }
        return text + (text.hasSuffix("\n") ? "" : "\n") + "[Container]\n" + lines.joined()
    }
}

/// How a container gets the image that fleet has seen to.
enum PinnedImage {
    /// The last `Image=` of a `.container` file counts, and the last `--pull` of podman's arguments: whether the
    /// registry is asked was decided before the start, outside of its timeout. `Pull=` would say the same from podman
    /// 4.6 on.
    static func text(_ text: String, as image: String?, seenTo pull: ImagePull?) -> String {
        var lines = image.map { ["Image=\($0)"] } ?? []
        if let pull { lines.append("PodmanArgs=--pull=\(pull.policy == .never ? "never" : "missing")") }
        guard !lines.isEmpty else { return text }
        return text + (text.hasSuffix("\n") ? "" : "\n") + "[Container]\n" + lines.map { $0 + "\n" }.joined()
    }
}
