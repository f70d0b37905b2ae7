import NIOCore
import NIOPosix

/// Where the server accepts connections.
package enum ListeningSocket: Hashable, Sendable {
    /// A socket that is bound and listens already: systemd made it, and it outlives this process.
    case descriptor(CInt)
    /// A unix socket of our own at this path, for tests and for running without systemd.
    case path(String)

    /// Accepts connections from now on, each set up by `initialize`.
    func bind(
        on group: any EventLoopGroup,
        initialize: @escaping @Sendable (any Channel) -> EventLoopFuture<Void>
    ) async throws -> any Channel {
        let bootstrap = ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 128)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelInitializer(initialize)
        switch self {
        case .descriptor(let descriptor):
            return try await bootstrap.withBoundSocket(descriptor).get()
        case .path(let path):
            return try await bootstrap.bind(unixDomainSocketPath: path, cleanupExistingSocketFile: true).get()
        }
    }
}

extension ListeningSocket: CustomStringConvertible {
    package var description: String {
        switch self {
        case .descriptor(let descriptor): "descriptor \(descriptor) from systemd"
        case .path(let path): path
        }
    }
}
