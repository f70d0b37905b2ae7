import FoundationEssentials

/// A Debian package file on the host.
package struct DebPackage: Hashable, Sendable {
    package let path: String

    package init(path: String) { self.path = path }

    package var fileName: String { path.split(separator: "/").last.map(String.init) ?? path }

    /// `fleetd` of `fleetd_0.1.0_amd64.deb`.
    package var name: String { fileName.split(separator: "_").first.map(String.init) ?? fileName }

    /// The packages that `make deb` built: those in `FLEET_DEBS`, or in `dist`.
    package static func built() -> [DebPackage] {
        let chosen = ProcessInfo.processInfo.environment["FLEET_DEBS"] ?? ""
        let folder = chosen.isEmpty ? LabDirectory.repository + "/dist" : chosen
        return Files.names(in: folder).filter { $0.hasSuffix(".deb") }.map { DebPackage(path: "\(folder)/\($0)") }
    }

    /// The same package under a later version, for upgrades.
    package func rebuilt(asVersionSuffix suffix: String, in folder: String) async throws -> DebPackage {
        let script = #"""
            set -eu
            rm -rf "$2/$3.tree"
            mkdir -p "$2"
            dpkg-deb --raw-extract "$1" "$2/$3.tree"
            sed -i "s/^Version: .*/&$4/" "$2/$3.tree/DEBIAN/control"
            dpkg-deb --root-owner-group -Zgzip --build "$2/$3.tree" "$2/$3$4.deb" >/dev/null
            rm -rf "$2/$3.tree"
            """#
        try await HostCommand.run(["sh", "-c", script, "rebuild", path, folder, name, suffix]).checked()
        return DebPackage(path: "\(folder)/\(name)\(suffix).deb")
    }
}
