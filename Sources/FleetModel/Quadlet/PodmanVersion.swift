/// A version of podman, as far as it decides what a Quadlet file may say: no patch release has brought a key.
package struct PodmanVersion: Hashable, Comparable, Sendable, Codable, CustomStringConvertible {
    package var major: Int
    package var minor: Int

    package init(_ major: Int, _ minor: Int) {
        self.major = major
        self.minor = minor
    }

    /// Reads the beginning of what podman and its generator print (`5.4.2`, `6.0.0-dev`); nil for anything else.
    package init?(_ text: String) {
        let parts = text.split(separator: ".", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count >= 2, let major = Int(parts[0]),
            let minor = Int(parts[1].prefix { $0.isASCII && $0.isNumber }), major >= 0
        else { return nil }
        self.init(major, minor)
    }

    package static func < (left: PodmanVersion, right: PodmanVersion) -> Bool {
        (left.major, left.minor) < (right.major, right.minor)
    }

    package var description: String { "\(major).\(minor)" }

    package init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        guard let version = PodmanVersion(text) else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath, debugDescription: "'\(text)' is no version of podman")
            )
        }
        self = version
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

/// The oldest podman that understands a Quadlet file, and what in the file asks for it.
package struct PodmanNeed: Hashable, Sendable {
    package var version: PodmanVersion
    /// Such as `Memory= in [Container]`.
    package var cause: String

    package init(_ version: PodmanVersion, cause: String) {
        self.version = version
        self.cause = cause
    }
}
