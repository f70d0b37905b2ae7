import FleetAgent
import FleetModel
import Glibc

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
    /// It needs a folder for the time that it runs.
    var hasFolder = false

    /// Looks once more: the image may have come since.
    static func fetching(_ image: ImagePull) -> PullUnit {
        let script =
            image.policy == .missing
            ? "podman image exists \"$1\" || exec podman pull \"$1\"" : "exec podman pull \"$1\""
        // One that makes do with what is there is no answer for who wants the newest.
        let wish = image.policy == .missing ? image.name : "newest \(image.name)"
        return PullUnit(
            name: PullUnitName.name(for: wish, auth: image.auth),
            description: "Fleet: pull of \(image.name)",
            arguments: ["/bin/sh", "-c", script, "fleet-pull", image.name],
            auth: image.auth,
            timeout: image.timeout
        )
    }

    /// Whether the machine has it; fetches nothing.
    static func asking(for image: ImagePull, number: Int) -> PullUnit {
        PullUnit(
            name: PullUnitName.name(for: "presence of \(image.name) \(getpid()).\(number)", auth: nil),
            description: "Fleet: look for \(image.name)",
            arguments: ["/bin/sh", "-c", "exec podman image exists \"$1\"", "fleet-pull", image.name],
            auth: nil,
            timeout: .seconds(60)
        )
    }

    /// `skopeo` asks for the manifest only; podman would fetch the image. It is what the tag means, a list of manifests
    /// included, so that each machine takes its own architecture's from it. Raw, because otherwise skopeo wants to find
    /// this machine's architecture in the list (containers/skopeo#1283).
    ///
    /// `number` is another one for each look-up of this process: none takes another one's answer for its own.
    static func looking(for image: ImageName, auth: CredentialName?, number: Int, output: Int32) -> PullUnit {
        let script = """
            skopeo inspect --raw "docker://$1" >"$RUNTIME_DIRECTORY/manifest" &&
            exec skopeo manifest-digest "$RUNTIME_DIRECTORY/manifest"
            """
        return PullUnit(
            name: PullUnitName.name(for: "digest of \(image) \(getpid()).\(number)", auth: auth),
            description: "Fleet: digest of \(image)",
            arguments: ["/bin/sh", "-c", script, "fleet-pull", image.description],
            auth: auth,
            timeout: .seconds(60),
            output: output,
            hasFolder: true
        )
    }

    /// What an exit status says of the login: systemd runs nothing without a credential that it cannot have (243,
    /// `CREDENTIALS` of systemd.exec(5)).
    func loginProblem(_ status: Int64) -> String? {
        guard let auth, status == 243 else { return nil }
        return "its login, the secret \(auth) (RegistryAuth=), cannot be had on this machine"
    }

    /// The arguments of `StartTransientUnit`.
    func write(to writer: BusWriter) throws(SystemdBusError) {
        try writer.transientUnit(name) { () throws(SystemdBusError) in
            try writer.property("Description", text: description)
            try writer.command(arguments)
            try writer.property("TimeoutStartUSec", span: timeout)
            if let auth { try writeLogin(auth, to: writer) }
            if let output { try writer.output(output) }
            if hasFolder { try writer.property("RuntimeDirectory", texts: [name]) }
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
