import EtcdProto
import FleetModel
import FleetRegistry
import FleetRuntime
import SwiftProtobuf
import Synchronization

/// The consumer's end of one watch. When its stream is dropped, so is this, and with it the watch.
///
/// A member that is lost, or has lost its leader, is replaced by another without the consumer's knowledge, as long as
/// that takes no longer than one request may; after that the watch ends with `unavailable`, because by then the
/// consumer should know that what it has may be old.
final class WatchTicket: Sendable {
    private struct State {
        var assembly: WatchAssembly
        var stream: MessageStream?
        /// The newest revision that a member has told of.
        var reached = Revision.zero
        var isCancelled = false
        /// How often in a row the watch was lost before it brought anything.
        var losses = 0
    }

    /// After so many the owner is told; it waits before it tries again.
    private static let lossesInARow = 5

    private let range: KeyRange
    private let cluster: Cluster
    private let words: FailureWords
    private let state: Mutex<State>

    init(_ range: KeyRange, from start: Revision, cluster: Cluster, words: FailureWords) {
        self.range = range
        self.cluster = cluster
        self.words = words
        state = Mutex(State(assembly: WatchAssembly(from: start)))
    }

    deinit { cancel() }

    /// The next batch; nil when the consumer was cancelled.
    func next() async throws -> WatchBatch? {
        do {
            return try await withTaskCancellationHandler {
                try await advance()
            } onCancel: {
                cancel()
            }
        } catch is CancellationError {
            return nil
        }
    }

    private func cancel() {
        let stream = state.withLock { state in
            state.isCancelled = true
            return state.stream
        }
        stream?.cancel()
    }

    private func advance() async throws -> WatchBatch? {
        while true {
            let stream = if let open = state.withLock({ $0.stream }) { open } else { try await open() }
            do {
                let response = try await message(stream)
                try check(response)
                if response.created { continue }
                let batch = state.withLock { state in
                    state.losses = 0
                    state.reached = max(state.reached, Revision(response.header.revision))
                    return state.assembly.take(response)
                }
                if let batch { return batch }
            } catch let failure as RPCFailure {
                // Whatever it was, `open` finds out whether another member does better, but not for ever: a watch that
                // every member begins and none keeps would go round as fast as the network allows.
                let losses = state.withLock { state in
                    state.stream = nil
                    state.losses += 1
                    return state.losses
                }
                if losses > Self.lossesInARow { throw words.error(failure) }
            }
        }
    }

    private func message(_ stream: MessageStream) async throws -> EtcdWatchResponse {
        let bytes = try await stream.next()
        do { return try EtcdWatchResponse(serializedBytes: bytes) } catch {
            stream.cancel()
            throw RPCFailure.status(.internalError, "not a message of etcd's: \(error)", member: "")
        }
    }

    /// Begins the watch where it broke off, on whichever member takes it.
    private func open() async throws -> MessageStream {
        var pause = cluster.pause()
        var hasNewToken = false
        while true {
            do {
                return try await attempt(pause.left)
            } catch let failure as RPCFailure {
                if state.withLock({ $0.isCancelled }) { throw CancellationError() }
                if Self.isOfTheToken(failure), !hasNewToken, !cluster.isClosed {
                    hasNewToken = true
                    continue
                }
                guard failure.remedy == .otherMember, await pause.wait() else { throw words.error(failure) }
            }
        }
    }

    private func attempt(_ time: Duration) async throws -> MessageStream {
        let (connection, token) = try await cluster.ready()
        do {
            guard connection.isFullOfWatches else { return try await open(on: connection, token, time) }
            cluster.leave(connection, forAnother: false)
            return try await attempt(time)
        } catch let failure as RPCFailure {
            if Self.isOfTheToken(failure) { cluster.forget(token) }
            if failure.remedy == .otherMember { cluster.leave(connection) }
            throw failure
        }
    }

    /// Debian 12's etcd reports a token that it no longer knows as missing rights.
    private static func isOfTheToken(_ failure: RPCFailure) -> Bool {
        failure.remedy == .newToken || failure.says(.permissionDenied, "")
    }

    private func open(
        on connection: Connection,
        _ token: String?,
        _ patience: Duration
    ) async throws -> MessageStream {
        var request = EtcdWatchRequest()
        let start = state.withLock { state in
            state.assembly.restart()
            return state.assembly.next
        }
        guard let span = EtcdSpan(range) else {
            throw StoreError(.invalid, "A watch of the keys from \(range.start) on that sees none of them.")
        }
        request.create.key = span.key
        request.create.rangeEnd = span.end
        // One earlier than wanted; the assembly drops what was not. etcd lets a watch begin at the very revision that
        // was compacted, but no longer has the deletions of that revision: it must not be ours. And 0 is "from now on".
        request.create.startRevision = max(start.number - 1, 1)
        request.create.progressNotify = true
        request.create.fragment = true
        let bytes: [UInt8] = try request.serializedBytes()
        let stream = connection.stream(EtcdMethods.watch.path, bytes, token: token, patience: patience)
        let isCancelled = state.withLock { state in
            state.stream = stream
            return state.isCancelled
        }
        if isCancelled { stream.cancel() }
        do {
            let created = try await message(stream)
            try check(created)
            try await checkAge(Revision(created.header.revision), span)
            return stream
        } catch {
            state.withLock { $0.stream = nil }
            stream.cancel()
            throw error
        }
    }

    /// Throws when the registry is older than this watch has known it: it was restored from a backup, and would be
    /// silent until it has come to that revision again. A member that only lags behind the others catches up.
    private func checkAge(_ member: Revision, _ span: EtcdSpan) async throws {
        let reached = state.withLock { state in
            defer { state.reached = max(state.reached, member) }
            return state.reached
        }
        guard member < reached else { return }
        var request = EtcdRangeRequest()
        request.key = span.key
        request.limit = 1
        let answer = try await cluster.call(EtcdMethods.range, request)
        let revision = Revision(answer.header.revision)
        guard revision < reached else { return }
        throw StoreError(
            .compacted,
            "The registry is at revision \(revision) and was at \(reached) before: it was restored from a backup."
        )
    }

    /// Throws when the member has ended the watch.
    private func check(_ response: EtcdWatchResponse) throws {
        guard response.canceled else { return }
        if response.compactRevision > 0 {
            let next = state.withLock { $0.assembly.next }
            throw words.compacted(next, oldest: Revision(response.compactRevision))
        }
        let isDenied = response.cancelReason.contains(RPCFailure.Text.permissionDenied)
        let isTokenOld = response.cancelReason.contains(RPCFailure.Text.invalidToken)
        let status: RPCFailure.Status = isDenied ? .permissionDenied : isTokenOld ? .unauthenticated : .unavailable
        throw RPCFailure.status(status, "the watch was ended: \(response.cancelReason)", member: "")
    }
}
