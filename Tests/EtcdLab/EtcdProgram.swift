import Foundation

/// A release of etcd, as one of Debian's; `packaging/etcd` fetches it.
package enum EtcdProgram: String, CaseIterable, Sendable, CustomStringConvertible {
    /// Debian 12's, 3.4.
    case bookworm
    /// Debian 13's, 3.5.
    case trixie

    package var description: String { self == .bookworm ? "etcd 3.4" : "etcd 3.5" }

    package var path: String { "\(Self.folder)/\(rawValue)/etcd" }
    package var controlPath: String { "\(Self.folder)/\(rawValue)/etcdctl" }

    private static let folder: String = {
        let parts = #filePath.split(separator: "/").dropLast(3)
        return "/" + parts.joined(separator: "/") + "/.lab/etcd"
    }()
}

/// What went wrong around a test, with the way out.
package struct EtcdLabError: Error, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }
}
