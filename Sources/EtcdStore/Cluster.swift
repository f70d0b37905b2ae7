import FleetRuntime
import Logging
import NIOCore
import SwiftProtobuf
import Synchronization

/// The members of an etcd cluster as one thing to call: one connection at a time, to the next member when one fails.
final class Cluster: Sendable {
    private struct State {
        var current: Connection?
        /// Connections with calls or watches that go on where they are.
        var retired: [Connection] = []
        var opening: Task<Result<Connection, RPCFailure>, Never>?
        /// Where in `endpoints` the next connection is tried first.
        var next = 0
        var isClosed = false
        /// What was said last about connections, so that it is said once.
        var said = ""
    }

    /// Whether a call may be made again after one that may have happened.
    enum Repetition {
        case allowed
        case forbidden
    }

    let patience: Patience
    private let sleep: Pause.Sleep
    private let endpoints: [EtcdEndpoint]
    private let tls: TLSFiles
    private let login: Login
    private let group: any EventLoopGroup
    private let log: Logger
    private let state = Mutex(State())

    init(
        _ settings: EtcdSettings,
        order: [EtcdEndpoint],
        group: any EventLoopGroup,
        sleep: @escaping Pause.Sleep,
        log: Logger
    ) {
        self.sleep = sleep
        patience = Patience(request: settings.requestTimeout, lease: settings.lease)
        endpoints = order
        tls = TLSFiles(settings)
        login = Login(settings)
        self.group = group
        self.log = log
    }

    /// The time and the pauses of one call that begins now.
    func pause() -> Pause { Pause(patience, sleep: sleep) }

    var isClosed: Bool { state.withLock { $0.isClosed } }

    /// Calls `method` on a member, on another one if that helps, until the time for one request is over.
    func call<Request, Answer>(
        _ method: RPCMethod<Request, Answer>,
        _ request: Request,
        _ repetition: Repetition = .allowed
    ) async throws(RPCFailure) -> Answer {
        let message = encode(request)
        var pause = pause()
        var tokenTries = 0
        var mayHaveHappened = false
        while true {
            var failure: RPCFailure
            do throws(RPCFailure) {
                let (connection, token) = try await ready()
                do throws(RPCFailure) {
                    let answer = try await connection.call(method.path, message, token: token, timeout: pause.left)
                    return try decode(answer, connection)
                } catch {
                    failure = error
                    switch failure.remedy {
                    case .none: break
                    case .newToken:
                        tokenTries += 1
                        login.forget(token)
                    case .otherMember: leave(connection, isStuck: failure.cause == .noAnswer)
                    }
                }
            } catch {
                failure = error
            }
            mayHaveHappened = mayHaveHappened || failure.mayHaveHappened
            failure.isRepetition = mayHaveHappened
            failure.mayHaveHappened = mayHaveHappened
            if isClosed { throw mayHaveHappened ? failure : .closed }
            let isFinal = failure.remedy == .none || tokenTries > 1 || !login.isPossible && tokenTries > 0
            if isFinal || (mayHaveHappened && repetition == .forbidden) { throw failure }
            guard await pause.wait(short: failure.remedy == .newToken) else { throw failure }
        }
    }

    /// A connection and, where a user logs in, the token to show on it.
    func ready() async throws(RPCFailure) -> (Connection, token: String?) {
        let connection = try await connection()
        do {
            return (connection, try await login.token(on: connection, patience))
        } catch {
            if error.remedy == .otherMember { leave(connection, isStuck: error.cause == .noAnswer) }
            throw error
        }
    }

    /// `token` was not accepted.
    func forget(_ token: String?) { login.forget(token) }

    /// The next call goes to another member, or over another connection to the same one. What is under way ends
    /// where it is, unless the member is stuck: one that answers no call brings no changes either, and is silent about
    /// both (its disk hangs, say).
    func leave(_ connection: Connection, forAnother isOther: Bool = true, isStuck: Bool = false) {
        state.withLock { state in
            guard state.current === connection else { return }
            setAside(connection, in: &state, forAnother: isOther)
        }
        if isStuck { connection.abandon() } else { connection.retire() }
    }

    private func setAside(_ connection: Connection, in state: inout State, forAnother isOther: Bool) {
        state.current = nil
        if isOther { state.next = (state.next + 1) % endpoints.count }
        state.retired.removeAll(where: \.isClosed)
        state.retired.append(connection)
    }

    func close() async {
        let (connections, opening) = state.withLock { state in
            state.isClosed = true
            defer { (state.current, state.opening, state.retired) = (nil, nil, []) }
            return ([state.current].compactMap(\.self) + state.retired, state.opening)
        }
        for connection in connections { await connection.close("the store has been closed") }
        if case .success(let connection)? = await opening?.value { await connection.close("the store has been closed") }
    }

    /// The one connection in use. Whoever comes while one is being made waits for the same.
    private func connection() async throws(RPCFailure) -> Connection {
        let task: Task<Result<Connection, RPCFailure>, Never>
        switch state.withLock({ state in step(&state) }) {
        case .closed: throw .closed
        case .connected(let connection): return connection
        case .opening(let started): task = started
        }
        return try await task.value.get()
    }

    private enum Step {
        case closed
        case connected(Connection)
        case opening(Task<Result<Connection, RPCFailure>, Never>)
    }

    private func step(_ state: inout State) -> Step {
        if state.isClosed { return .closed }
        if let connection = state.current {
            if connection.isUsable { return .connected(connection) }
            // It has said goodbye: its calls may end on it, and another member is tried first.
            setAside(connection, in: &state, forAnother: true)
        }
        if let opening = state.opening { return .opening(opening) }
        let task = Task { await open() }
        state.opening = task
        return .opening(task)
    }

    /// Tries each member once.
    private func open() async -> Result<Connection, RPCFailure> {
        let first = state.withLock { $0.next }
        var reasons: [String] = []
        for offset in endpoints.indices {
            let index = (first + offset) % endpoints.count
            do throws(RPCFailure) {
                let endpoint = endpoints[index]
                let connection = try await Connection.open(endpoint, tls: tls, patience: patience, group: group)
                let isWanted = state.withLock { state in
                    state.opening = nil
                    guard !state.isClosed else { return false }
                    (state.current, state.next) = (connection, index)
                    return true
                }
                guard isWanted else {
                    await connection.close("the store has been closed")
                    return .failure(.closed)
                }
                say("Connected to etcd at \(endpoint)", level: .info)
                return .success(connection)
            } catch {
                reasons.append("\(endpoints[index]): \(reason(error))")
            }
        }
        state.withLock { $0.opening = nil }
        let why = reasons.joined(separator: "; ")
        say("etcd cannot be reached: \(why)", level: .warning)
        return .failure(.unreachable(why))
    }

    private func reason(_ failure: RPCFailure) -> String {
        guard case .unreachable(let why) = failure.cause else { return "\(failure.cause)" }
        guard why.contains("client certificate"), let problem = tls.datesProblem() else { return why }
        return "\(why); \(problem)"
    }

    private func say(_ text: String, level: Logger.Level) {
        let isNew = state.withLock { state in
            defer { state.said = text }
            return state.said != text
        }
        if isNew { log.log(level: level, "\(text)") }
    }
}

extension Cluster {
    fileprivate func encode(_ request: some Message) -> [UInt8] {
        do { return try request.serializedBytes() } catch {
            preconditionFailure("a message of ours cannot be encoded: \(error)")
        }
    }

    fileprivate func decode<Answer: Message>(_ bytes: [UInt8], _ connection: Connection) throws(RPCFailure) -> Answer {
        do { return try Answer(serializedBytes: bytes) } catch {
            let text = "the answer is not what etcd answers: \(error)"
            throw .status(.internalError, text, member: connection.endpoint.description)
        }
    }
}
