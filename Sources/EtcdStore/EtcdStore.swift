import EtcdProto
package import FleetModel
package import FleetRegistry
package import FleetRuntime
package import Logging
package import NIOCore
import NIOPosix
import Synchronization

/// The registry in an etcd v3 cluster, for fleets of many machines.
///
/// One connection to one member carries everything. When the member is lost, or loses its leader, the next one is used:
/// calls that may be repeated are, watches go on where they were, and a commit whose answer was lost is `unknown`.
/// While nobody calls, nothing is sent.
package final class EtcdStore: KeyValueStore {
    private let cluster: Cluster
    let words: FailureWords
    /// The newest revision any answer has told of: what is older was there before a later commit began.
    private let newest = Mutex(Revision.zero)

    private init(cluster: Cluster, words: FailureWords) {
        self.cluster = cluster
        self.words = words
    }

    /// Does not connect: the first call does, and says when it cannot. Throws `invalid` for what no attempt would help:
    /// a certificate or key file that cannot be used.
    ///
    /// `order` is the order in which members are tried; shuffled, so that machines spread over them. `sleep` is how
    /// pauses between tries are waited for; it throws when the task is cancelled.
    package static func open(
        _ settings: EtcdSettings,
        logger: Logger,
        group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton,
        order: ([EtcdEndpoint]) -> [EtcdEndpoint] = { $0.shuffled() },
        sleep: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }
    ) throws(StoreError) -> EtcdStore {
        guard !settings.endpoints.isEmpty else { throw StoreError(.invalid, "etcd_servers names no member of etcd.") }
        if settings.usesTLS {
            do throws(TLSFailure) {
                _ = try TLSFiles(settings).context()
            } catch {
                throw StoreError(.invalid, "etcd cannot be used: \(error).")
            }
        }
        let cluster = Cluster(settings, order: order(settings.endpoints), group: group, sleep: sleep, log: logger)
        return EtcdStore(cluster: cluster, words: FailureWords(settings))
    }

    package func watch(_ range: KeyRange, from start: Revision) -> AsyncThrowingStream<WatchBatch, any Error> {
        let ticket = WatchTicket(range, from: start, cluster: cluster, words: words)
        return AsyncThrowingStream { try await ticket.next() }
    }

    /// etcd counts whole seconds, and may make a short lease longer: its minimum is one and a half election timeouts,
    /// two seconds with its defaults. `whileOpen` is refused: no lease of etcd's outlives an outage.
    package func grantLease(_ life: LeaseLife) async throws(StoreError) -> LeaseID {
        guard case .ttl(let length) = life else {
            throw StoreError(
                .invalid,
                "A lease in etcd has a time to live; it cannot last as long as the store is open."
            )
        }
        guard length > .zero, length < .seconds(1 << 31) else {
            throw StoreError(.invalid, "A lease of \(length) would end before it begins, or never.")
        }
        var request = EtcdLeaseGrantRequest()
        request.ttl = length.components.seconds + (length.components.attoseconds > 0 ? 1 : 0)
        let answer = try await call(EtcdMethods.grant, request)
        guard answer.error.isEmpty else { throw StoreError(.unavailable, "etcd grants no lease: \(answer.error)") }
        return LeaseID(answer.id)
    }

    package func keepAlive(_ lease: LeaseID) async throws(StoreError) {
        var request = EtcdLeaseKeepAliveRequest()
        request.id = lease.number
        let answer = try await call(EtcdMethods.keepAlive, request)
        guard answer.ttl > 0 else { throw StoreError(.leaseNotFound, "Lease \(lease) has ended or never was.") }
    }

    package func time(of lease: LeaseID) async throws(StoreError) -> LeaseTime? {
        var request = EtcdLeaseTimeToLiveRequest()
        request.id = lease.number
        let answer = try await call(EtcdMethods.timeToLive, request)
        // -1 for one that is not there, 0 for one in its last second or waiting for its end.
        guard answer.ttl >= 0 else { throw StoreError(.leaseNotFound, "Lease \(lease) has ended or never was.") }
        return LeaseTime(left: .seconds(answer.ttl), whole: .seconds(answer.grantedTtl))
    }

    package func revoke(_ lease: LeaseID) async throws(StoreError) {
        var request = EtcdLeaseRevokeRequest()
        request.id = lease.number
        do throws(RPCFailure) {
            let _: EtcdLeaseRevokeResponse = try await cluster.call(EtcdMethods.revoke, request)
        } catch {
            // The first try did it, and only its answer was lost.
            if error.isRepetition, error.says(.notFound, RPCFailure.Text.leaseNotFound) { return }
            throw words.error(error)
        }
    }

    /// etcd forgets the deletions of the revision it compacts to, so it is told the one before: the changes of
    /// `revision` itself can still be watched.
    package func compact(to revision: Revision) async throws(StoreError) {
        if revision > seen {
            // What this member knows, which takes no rights on any key.
            see(Revision(try await call(EtcdMethods.txn, EtcdTxnRequest()).header.revision))
        }
        var request = EtcdCompactionRequest()
        // One that nobody here has heard of: etcd knows whether it is yet to come.
        request.revision = revision > seen ? revision.number : revision.number - 1
        guard request.revision > 0 else { return }
        do {
            _ = try await call(EtcdMethods.compact, request)
        } catch  where error.code == .compacted {
            return
        }
    }

    package func close() async { await cluster.close() }

    /// A call that may be made twice.
    func call<Request, Answer>(
        _ method: RPCMethod<Request, Answer>,
        _ request: Request
    ) async throws(StoreError) -> Answer {
        do { return try await cluster.call(method, request) } catch { throw words.error(error) }
    }

    /// Applies a transaction of etcd's, at most once.
    func callOnce(_ request: EtcdTxnRequest) async throws(RPCFailure) -> EtcdTxnResponse {
        try await cluster.call(EtcdMethods.txn, request, .forbidden)
    }

    /// The newest revision any answer has told of.
    var seen: Revision { newest.withLock { $0 } }

    func see(_ revision: Revision) {
        newest.withLock { $0 = max($0, revision) }
    }
}
