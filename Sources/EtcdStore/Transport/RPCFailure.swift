/// Why a call of etcd's gRPC API brought no answer.
struct RPCFailure: Error, Hashable, Sendable {
    enum Cause: Hashable, Sendable {
        /// The member's answer: a gRPC status other than OK, and its message.
        case status(Status, String)
        /// There is no connection, and the text says why: no member could be reached, or none let us in.
        case unreachable(String)
        /// The connection ended before the answer came.
        case lost(String)
        /// The answer did not come in time.
        case noAnswer
        /// What fleet.conf names cannot be used, as the text says.
        case misconfigured(String)
        /// The store has been closed.
        case closed
    }

    /// gRPC's status codes that etcd uses with a meaning of their own; the rest keep their number.
    struct Status: RawRepresentable, Hashable, Sendable {
        let rawValue: Int

        static let ok = Status(rawValue: 0)
        static let unknown = Status(rawValue: 2)
        static let invalidArgument = Status(rawValue: 3)
        static let deadlineExceeded = Status(rawValue: 4)
        static let notFound = Status(rawValue: 5)
        static let permissionDenied = Status(rawValue: 7)
        static let resourceExhausted = Status(rawValue: 8)
        static let failedPrecondition = Status(rawValue: 9)
        static let outOfRange = Status(rawValue: 11)
        static let unimplemented = Status(rawValue: 12)
        static let internalError = Status(rawValue: 13)
        static let unavailable = Status(rawValue: 14)
        static let unauthenticated = Status(rawValue: 16)
    }

    /// What to do before the call is tried again.
    enum Remedy {
        /// It would end the same way.
        case none
        case newToken
        case otherMember
    }

    var cause: Cause
    /// Which member it was; empty when no single one is meant.
    var member = ""
    /// False when it is certain that etcd has not done, and will not do, what was asked.
    var mayHaveHappened: Bool
    /// True when an earlier try of the same call may have happened.
    var isRepetition = false
}

extension RPCFailure {
    static func misconfigured(_ why: String) -> RPCFailure {
        RPCFailure(cause: .misconfigured(why), mayHaveHappened: false)
    }

    static let closed = RPCFailure(cause: .closed, mayHaveHappened: false)

    static func unreachable(_ why: String, member: String = "") -> RPCFailure {
        RPCFailure(cause: .unreachable(why), member: member, mayHaveHappened: false)
    }

    /// The member answered with this status.
    static func status(_ status: Status, _ message: String, member: String) -> RPCFailure {
        RPCFailure(
            cause: .status(status, message),
            member: member,
            mayHaveHappened: !provesNothingHappened(status, message)
        )
    }

    /// etcd checks these before it hands a request to Raft, or while it applies one, all or nothing. Anything else may
    /// come after the request was handed on. Two traps: "database space exceeded" is also the answer to the very write
    /// that used up the space, and UNAVAILABLE is also that of one that is still on its way (etcd's
    /// api/v3rpc/rpctypes/error.go has the texts).
    private static func provesNothingHappened(_ status: Status, _ message: String) -> Bool {
        switch status {
        case .invalidArgument, .notFound, .permissionDenied, .failedPrecondition, .outOfRange, .unimplemented,
            .unauthenticated:
            true
        case .resourceExhausted: !message.contains(Text.noSpace)
        // With `hasleader` in its headers, a call is turned away with this before anything is done.
        case .unavailable: message.contains(Text.noLeader)
        case .unknown: message.contains(Text.dropped)
        default: false
        }
    }

    var remedy: Remedy {
        switch cause {
        case .closed, .misconfigured: .none
        case .unreachable, .lost, .noAnswer: .otherMember
        case .status(let status, let message):
            switch status {
            case .unauthenticated: .newToken
            case .invalidArgument where message.contains(Text.oldAuthRevision) || message.contains(Text.noUser):
                .newToken
            case .invalidArgument, .notFound, .permissionDenied, .failedPrecondition, .outOfRange, .unimplemented: .none
            case .resourceExhausted: .none
            // Cancelled, deadline, unknown, internal, unavailable: the member's own trouble.
            default: .otherMember
            }
        }
    }

    /// True when the status is `status` and its message has `text`.
    func says(_ status: Status, _ text: String) -> Bool {
        guard case .status(status, let message) = cause else { return false }
        return text.isEmpty || message.contains(text)
    }

    /// Parts of etcd's messages that tell apart what one status code has in common.
    enum Text {
        static let noSpace = "database space exceeded"
        static let noLeader = "no leader"
        static let dropped = "raft proposal dropped"
        static let oldAuthRevision = "revision of auth store is old"
        static let authenticationFailed = "authentication failed"
        static let authenticationDisabled = "authentication is not enabled"
        static let noUser = "user name is empty"
        static let leaseNotFound = "requested lease not found"
        static let compacted = "has been compacted"
        static let futureRevision = "is a future revision"
        static let permissionDenied = "permission denied"
        static let invalidToken = "invalid auth token"
    }
}
