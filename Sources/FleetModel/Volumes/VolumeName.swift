package import UnitFile

/// The name of a volume, which is a folder of data on one machine: a podman volume (`systemd-data`), or the
/// `StateDirectory=` of a unit that keeps to it (`state:web`, the folder `/var/lib/web`).
///
/// Safe as a registry key and as the tail of a path: made of what podman allows in names (`state:` allows more, and
/// slashes), without a part that is `.` or `..`.
package struct VolumeName: Sendable, CustomStringConvertible {
    package let description: String

    private static let statePrefix = "state:"
    /// Longer names are longer than a file name may be.
    private static let longest = 255

    /// Throws when `text` names no volume.
    package init(_ text: String) throws(UnitNameError) {
        let tail = text.hasPrefix(Self.statePrefix) ? text.dropFirst(Self.statePrefix.count) : text[...]
        let isState = tail.utf8.count < text.utf8.count
        let parts = tail.split(separator: "/", omittingEmptySubsequences: false)
        guard isState || parts.count == 1, text.utf8.count <= Self.longest,
            parts.allSatisfy({ Self.isPart($0, ofState: isState) })
        else {
            throw UnitNameError("\"\(text.printable(limit: 40))\" is no name of a volume")
        }
        description = text
    }

    /// The volume that `StateDirectory=PATH` is; nil when it is no path that systemd takes.
    package init?(state path: String) {
        guard let name = try? VolumeName(Self.statePrefix + path) else { return nil }
        self = name
    }

    /// For a state directory: its path below `/var/lib`. nil for a podman volume.
    package var statePath: String? {
        description.hasPrefix(Self.statePrefix) ? String(description.dropFirst(Self.statePrefix.count)) : nil
    }

    private static func isPart(_ part: Substring, ofState isState: Bool) -> Bool {
        guard let first = part.utf8.first, part != ".", part != ".." else { return false }
        if isState { return part.utf8.allSatisfy { (0x21...0x7e).contains($0) } }
        func isWord(_ byte: UInt8) -> Bool {
            (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
        }
        return isWord(first) && part.utf8.allSatisfy { isWord($0) || "_.-".utf8.contains($0) }
    }
}

extension VolumeName: Hashable, Comparable {
    // The text says it all.

    package static func == (left: VolumeName, right: VolumeName) -> Bool { left.description == right.description }
    package static func < (left: VolumeName, right: VolumeName) -> Bool { left.description < right.description }
    package func hash(into hasher: inout Hasher) { hasher.combine(description) }
}

extension VolumeName: NameInText {}
