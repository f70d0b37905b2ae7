/// The kinds of file that Podman's Quadlet turns into services (podman-systemd.unit(5)). They are no unit types:
/// systemd sees the service only.
package enum QuadletKind: String, Hashable, Sendable, CaseIterable {
    case container, pod, kube, network, volume, image, build

    /// The section that says what the file is about, such as `Container`.
    package var section: String { String(rawValue.prefix(1)).uppercased() + rawValue.dropFirst() }

    /// What stands between the file's name and `.service`: `app.network` becomes `app-network.service`.
    package var serviceSuffix: String {
        switch self {
        case .container, .kube: ""
        case .pod, .network, .volume, .image, .build: "-" + rawValue
        }
    }

    /// The kind of the file at `path`, by its suffix; nil for every other file.
    package init?(ofFile path: String) {
        guard let dot = path.utf8.lastIndex(of: UInt8(ascii: ".")) else { return nil }
        self.init(rawValue: String(path[path.index(after: dot)...]))
    }
}
