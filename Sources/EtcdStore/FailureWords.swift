import FleetModel
import FleetRuntime

/// Says in the port's words what etcd and the connection to it report.
struct FailureWords: Sendable {
    private let username: String?
    private let timeout: Duration

    init(_ settings: EtcdSettings) {
        username = settings.username
        timeout = settings.requestTimeout
    }

    func error(_ failure: RPCFailure) -> StoreError {
        let place = failure.member.isEmpty ? "etcd" : "etcd at \(failure.member)"
        switch failure.cause {
        case .closed: return StoreError(.closed, "The store has been closed.")
        case .misconfigured(let why): return StoreError(.invalid, "etcd cannot be used: \(why).")
        case .unreachable(let why): return StoreError(.unavailable, "etcd cannot be reached. \(why)")
        case .lost(let why):
            return StoreError(.unavailable, "The connection to \(place) was lost: \(why).")
        case .noAnswer:
            return StoreError(
                .unavailable,
                "\(place) did not answer within \(timeout): more than half of the members must be up and fast enough; "
                    + "`etcdctl endpoint status --cluster` shows them."
            )
        case .status(let status, let message): return answered(status, message, place)
        }
    }

    func compacted(_ start: Revision, oldest: Revision) -> StoreError {
        StoreError(
            .compacted,
            "etcd no longer keeps the changes since revision \(start), only those since \(oldest): list again."
        )
    }

    static func full(_ place: String) -> StoreError {
        StoreError(
            .full,
            "The database of \(place) is full: let etcd compact its history (--auto-compaction-retention), run "
                + "`etcdctl defrag`, then `etcdctl alarm disarm`, or raise --quota-backend-bytes."
        )
    }

    private func answered(_ status: RPCFailure.Status, _ message: String, _ place: String) -> StoreError {
        typealias Text = RPCFailure.Text
        switch status {
        case .notFound where message.contains(Text.leaseNotFound):
            return StoreError(.leaseNotFound, "The lease has ended or never was.")
        case .outOfRange where message.contains(Text.compacted):
            return StoreError(.compacted, "etcd no longer keeps that revision: list again.")
        case .outOfRange where message.contains(Text.futureRevision):
            return StoreError(.invalid, "That revision is yet to come.")
        case .resourceExhausted where message.contains(Text.noSpace): return Self.full(place)
        case .invalidArgument where message.contains(Text.authenticationFailed):
            return StoreError(
                .unavailable,
                "\(place) does not accept user '\(username ?? "")' with that password: correct etcd_username or the "
                    + "password, or set one with `etcdctl user passwd \(username ?? "USER")`."
            )
        case .invalidArgument where message.contains(Text.noUser):
            return StoreError(.unavailable, "\(place) wants a user: set etcd_username and etcd_password_file.")
        case .permissionDenied:
            return StoreError(
                .unavailable,
                "\(place) denies this to user '\(username ?? "of the client certificate")': give it a role that may "
                    + "read and write all keys below etcd_key_prefix (`etcdctl role grant-permission`)."
            )
        case .unavailable where message.contains(Text.noLeader):
            return StoreError(
                .unavailable,
                "\(place) has no leader: more than half of the cluster's members must be up and reach each other."
            )
        case .invalidArgument: return StoreError(.invalid, "\(place) refuses the request: \(message)")
        default: return StoreError(.unavailable, "\(place) reports: \(message) (gRPC status \(status.rawValue))")
        }
    }
}
