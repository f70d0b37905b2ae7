import FleetAgent
import FleetModel

/// A transient service that talks to an image registry. systemd runs it, not fleetd: it goes on while fleetd restarts,
/// and gets the login from systemd as every unit gets its secrets.
struct PullUnit {
    let name: String
    let description: String
    let arguments: [String]
    let auth: CredentialName?
    let timeout: Duration
    /// What it prints to; nil for the journal.
    var output: Int32?

    /// Looks once more: the image may have come since.
    static func fetching(_ image: ImagePull) -> PullUnit {
        let script =
            image.policy == .missing
            ? "podman image exists \"$1\" || exec podman pull \"$1\"" : "exec podman pull \"$1\""
        return PullUnit(
            name: PullUnitName.name(for: image.name, auth: image.auth),
            description: "Fleet: pull of \(image.name)",
            arguments: ["/bin/sh", "-c", script, "fleet-pull", image.name],
            auth: image.auth,
            timeout: image.timeout
        )
    }

    /// `skopeo` asks for the manifest only; podman would fetch the image. It is what the tag means, a list of manifests
    /// included, so that each machine takes its own architecture's from it.
    static func looking(for image: ImageName, auth: CredentialName?, output: Int32) -> PullUnit {
        let script = "exec skopeo inspect --no-tags --format '{{.Digest}}' \"docker://$1\""
        return PullUnit(
            name: PullUnitName.name(for: "digest of \(image)", auth: auth),
            description: "Fleet: digest of \(image)",
            arguments: ["/bin/sh", "-c", script, "fleet-pull", image.description],
            auth: auth,
            timeout: .seconds(60),
            output: output
        )
    }

    /// The arguments of `StartTransientUnit`.
    func write(to writer: BusWriter) throws(SystemdBusError) {
        try writer.transientUnit(name) { () throws(SystemdBusError) in
            try writer.property("Description", text: description)
            try writer.command(arguments)
            try writer.property("TimeoutStartUSec", span: timeout)
            if let auth { try writeLogin(auth, to: writer) }
            if let output { try writer.output(output) }
        }
    }

    private func writeLogin(_ auth: CredentialName, to writer: BusWriter) throws(SystemdBusError) {
        try writer.property("LoadCredential", "a(ss)") { () throws(SystemdBusError) in
            try writer.container(BusType.array, "(ss)") { () throws(SystemdBusError) in
                try writer.container(BusType.structure, "ss") { () throws(SystemdBusError) in
                    try writer.string(auth.description)
                    try writer.string(CredentialSocket.path)
                }
            }
        }
        // containers-auth.json(5). systemd expands no specifiers in what comes over the bus.
        try writer.property("Environment", texts: ["REGISTRY_AUTH_FILE=/run/credentials/\(name)/\(auth)"])
    }
}
