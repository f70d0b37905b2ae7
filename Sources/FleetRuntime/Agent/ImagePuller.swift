package import FleetAgent
package import FleetModel

/// Port: the images of this machine, which podman keeps. `PodmanImages` is the real one.
package protocol ImagePuller: Sendable {
    /// See `AgentDirective.pull`. `progress` is called once something is really fetched, and now and then with podman's
    /// newest words. When the task is cancelled and nobody else waits for the same image, fetching ends; it goes on
    /// when this process ends.
    func pull(_ image: ImagePull, progress: @escaping @Sendable (String) async -> Void) async -> PullResult

    /// Ends every pull that goes on, whoever has begun it, of other images than these.
    func endPulls(except images: [ImagePull]) async

    /// The names of all images that the machine has, sorted; nil when that cannot be told.
    func names() async -> [String]?
}

/// Port: asks registries what a tag means now.
package protocol ImageResolver: Sendable {
    /// The digest (`sha256:...`) of an image in its registry, without fetching it. `auth` is the secret to log in with.
    func digest(of image: ImageName, auth: CredentialName?) async throws(ImageLookupError) -> String
}

/// Why an image's digest is not known, in a sentence without a full stop.
package struct ImageLookupError: Error, Hashable, Sendable, CustomStringConvertible {
    package var description: String

    package init(_ description: String) { self.description = description }
}

/// Of a machine without podman.
package struct NoImages: ImagePuller {
    package init() {}
    package func pull(
        _ image: ImagePull,
        progress: @escaping @Sendable (String) async -> Void
    ) async -> PullResult { .present }
    package func endPulls(except images: [ImagePull]) async {}
    package func names() async -> [String]? { nil }
}
