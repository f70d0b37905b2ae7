import Glibc
import NIOCore
import NIOPosix

/// Where the server accepts connections.
package enum ListeningSocket: Hashable, Sendable {
    /// A socket that is bound and listens already: systemd made it, and it outlives this process.
    case descriptor(CInt)
    /// A unix socket of our own at this path, for tests and for running without systemd.
    case path(String)

    /// The sockets that systemd passed (sd_listen_fds(3)): descriptors from 3 on, if `LISTEN_PID` is this process.
    /// They are closed on exec from now on, so that no child inherits the API.
    package static func passed(in environment: [String: String], to process: Int32) -> [ListeningSocket] {
        guard environment["LISTEN_PID"].flatMap(Int32.init) == process,
            let count = environment["LISTEN_FDS"].flatMap(CInt.init), (1...maximumPassed).contains(count)
        else { return [] }
        return (3..<3 + count).map { descriptor in
            // A failure would mean that it is not open, which binding reports.
            _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
            return .descriptor(descriptor)
        }
    }

    /// More sockets than this are a mistake in fleetd.socket.
    private static let maximumPassed: CInt = 16

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
