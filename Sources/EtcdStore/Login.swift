import EtcdProto
import FleetRuntime
import FoundationEssentials
import SwiftProtobuf
import Synchronization

/// The user of fleet.conf: gets a token for the password, once for all calls, and again when etcd no longer knows it
/// (simple tokens end after five minutes without use, and with the member that made them).
final class Login: Sendable {
    private struct State {
        var token: String?
        /// etcd has no users; until it says otherwise no token is asked for.
        var isNeeded = true
        var asking: Task<Result<String?, RPCFailure>, Never>?
    }

    private let username: String?
    private let password: EtcdSettings.Password?
    private let state = Mutex(State())

    init(_ settings: EtcdSettings) {
        username = settings.username
        password = settings.password
    }

    /// False when there is no user: another try would end the same way.
    var isPossible: Bool { username != nil }

    /// `token` was not accepted: the next call asks for another.
    func forget(_ token: String?) {
        state.withLock { state in
            guard state.token == token else { return }
            state.token = nil
            state.isNeeded = true
        }
    }

    /// The token to show; nil when etcd asks for none.
    func token(on connection: Connection, _ patience: Patience) async throws(RPCFailure) -> String? {
        guard let username else { return nil }
        let asking: Task<Result<String?, RPCFailure>, Never>? = state.withLock { state in
            if state.token != nil || !state.isNeeded { return nil }
            if let asking = state.asking { return asking }
            let asking = Task { await ask(username, connection, patience) }
            state.asking = asking
            return asking
        }
        guard let asking else { return state.withLock { $0.token } }
        return try await asking.value.get()
    }

    private func ask(
        _ username: String,
        _ connection: Connection,
        _ patience: Patience
    ) async -> Result<String?, RPCFailure> {
        let result: Result<String?, RPCFailure>
        do throws(RPCFailure) {
            var request = EtcdAuthenticateRequest()
            request.name = username
            request.password = try secret()
            let bytes = try await connection.call(
                EtcdMethods.authenticate.path,
                encoded(request),
                token: nil,
                timeout: patience.request
            )
            result = .success((try? EtcdAuthenticateResponse(serializedBytes: bytes))?.token)
        } catch {
            let isDisabled = error.says(.failedPrecondition, RPCFailure.Text.authenticationDisabled)
            result = isDisabled ? .success(nil) : .failure(error)
        }
        state.withLock { state in
            state.asking = nil
            guard case .success(let token) = result else { return }
            state.token = token
            state.isNeeded = token != nil
        }
        return result
    }

    /// The password, as it is now.
    private func secret() throws(RPCFailure) -> String {
        switch password {
        case .text(let text): return text
        case .file(let path):
            guard let bytes = FileManager.default.contents(atPath: path) else {
                throw .misconfigured("the password file '\(path)' cannot be read; check its path and its mode")
            }
            let line = String(decoding: bytes, as: UTF8.self).prefix { !$0.isNewline }
            guard !line.isEmpty else { throw .misconfigured("the first line of '\(path)' has no password") }
            return String(line)
        case nil: throw .misconfigured("etcd_username needs etcd_password_file")
        }
    }

    private func encoded(_ request: EtcdAuthenticateRequest) -> [UInt8] {
        do { return try request.serializedBytes() } catch {
            preconditionFailure("a message of ours cannot be encoded: \(error)")
        }
    }
}
