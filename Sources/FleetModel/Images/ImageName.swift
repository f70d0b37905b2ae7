/// The name of a container image in a registry, `[REGISTRY/]PATH[:TAG][@DIGEST]`, in the parts that decide whether two
/// names mean one image (containers-transports(5), and the grammar of the distribution specification).
package struct ImageName: Hashable, Sendable {
    /// `docker.io`, `localhost:5000`; nil for a short name, whose registry podman's configuration decides.
    package var registry: String?
    /// `library/busybox`
    package var path: String
    /// nil where the name says nothing of it, and where a digest does.
    package var tag: String?
    /// `sha256:` and 64 hexadecimal digits.
    package var digest: String?

    /// nil for what is no name of an image in a registry: an archive or a folder, for instance (`oci-archive:/path`).
    package init?(_ text: String) {
        var rest = Substring(text)
        if rest.hasPrefix("docker://") { rest = rest.dropFirst("docker://".count) }
        if let at = rest.firstIndex(of: "@") {
            digest = String(rest[rest.index(after: at)...])
            rest = rest[..<at]
            guard digest.map(Self.isDigest) == true else { return nil }
        }
        let nameStart = rest.lastIndex(of: "/").map { rest.index(after: $0) } ?? rest.startIndex
        if let colon = rest[nameStart...].firstIndex(of: ":") {
            let tag = String(rest[rest.index(after: colon)...])
            guard Self.isTag(tag) else { return nil }
            if digest == nil { self.tag = tag }
            rest = rest[..<colon]
        }
        if let slash = rest.firstIndex(of: "/"), Self.isRegistry(rest[..<slash]) {
            registry = String(rest[..<slash])
            rest = rest[rest.index(after: slash)...]
        }
        path = String(rest)
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.allSatisfy(Self.isPathPart) else { return nil }
        // Docker Hub's own images are in a folder that people leave out.
        if registry == "docker.io", parts.count == 1 { path = "library/" + path }
    }

    /// Whether `stored`, a full name that an image has on a machine, is what this name means.
    package func matches(_ stored: ImageName) -> Bool {
        if let digest {
            guard stored.digest == digest else { return false }
        } else {
            guard stored.digest == nil, (stored.tag ?? "latest") == (tag ?? "latest") else { return false }
        }
        return isSameRepository(as: stored)
    }

    /// Of a short name only the path counts: which registries podman would ask is its configuration's to say.
    package func isSameRepository(as stored: ImageName) -> Bool {
        guard let registry else { return stored.path == path || stored.path == "library/" + path }
        return stored.registry == registry && stored.path == path
    }

    /// The full names that this one may stand for, of which a machine that has the image has one. Which registries a
    /// short name stands for is for podman's configuration to say; these are the usual ones.
    package var fullNames: [ImageName] {
        var name = self
        if tag == nil, digest == nil { name.tag = "latest" }
        guard registry == nil else { return [name] }
        return [("docker.io", "library/" + path), ("docker.io", path), ("localhost", path)].map { registry, path in
            (name.registry, name.path) = (registry, path)
            return name
        }
    }

    /// Whether the registry is the machine itself: what is built there, and can be had nowhere else.
    package var isLocal: Bool { registry == "localhost" }

    /// This image, whatever its tag will mean later.
    package func pinned(to digest: String) -> ImageName {
        var name = self
        (name.tag, name.digest) = (nil, digest)
        return name
    }

    package static func isDigest(_ text: String) -> Bool {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        return parts.count == 2 && parts[0] == "sha256" && parts[1].utf8.count == 64
            && parts[1].utf8.allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
    }

    private static func isTag(_ text: String) -> Bool {
        (1...128).contains(text.utf8.count) && text.utf8.allSatisfy { isLetterOrDigit($0) || "._-".utf8.contains($0) }
    }

    /// A first part with a dot or a port, and `localhost`.
    private static func isRegistry(_ text: Substring) -> Bool {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard let host = parts.first, isPathPart(host) else { return false }
        guard parts.count == 2 else { return parts.count == 1 && (host == "localhost" || host.contains(".")) }
        return !parts[1].isEmpty && parts[1].utf8.allSatisfy { (48...57).contains($0) }
    }

    private static func isPathPart(_ text: Substring) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { isLetterOrDigit($0) || "._-".utf8.contains($0) }
            && text.utf8.first.map(isLetterOrDigit) == true
    }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
    }
}

extension ImageName: CustomStringConvertible {
    package var description: String {
        (registry.map { $0 + "/" } ?? "") + path + (tag.map { ":" + $0 } ?? "") + (digest.map { "@" + $0 } ?? "")
    }
}
