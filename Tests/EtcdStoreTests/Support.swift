import EtcdLab
import EtcdStore
import FleetModel
import FleetRegistry
import FleetRuntime
import Logging
import Testing

let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

extension EtcdCluster {
    /// A store that tries the members in this order.
    func store(
        order: [Int]? = nil,
        timeout: Duration = .seconds(4),
        _ change: (inout EtcdSettings) -> Void = { _ in }
    ) throws -> EtcdStore {
        var settings = settings
        settings.requestTimeout = timeout
        change(&settings)
        return try EtcdStore.open(settings, logger: quiet) { endpoints in
            order.map { $0.map { endpoints[$0] } } ?? endpoints
        }
    }
}

func put(_ key: String, _ value: String, lease: LeaseID? = nil) -> StoreOperation {
    .put(Key(key), Array(value.utf8), lease: lease)
}

extension KeyValueStore {
    func commit(if compares: [Compare] = [], _ operations: StoreOperation...) async -> CommitOutcome {
        await commit(Transaction(compares: compares, operations: operations))
    }

    /// Commits and insists on success.
    @discardableResult
    func change(_ operations: StoreOperation...) async throws -> Revision {
        let outcome = await commit(Transaction(operations: operations))
        guard case .committed(let revision) = outcome else { throw Unexpected(outcome) }
        return revision
    }

    /// `key=value` of every entry below `prefix`.
    func list(_ prefix: String = "") async throws -> [String] {
        try await range(.prefix(prefix), limit: 0).entries.map {
            "\($0.key)=\(String(decoding: $0.value, as: UTF8.self))"
        }
    }
}

struct Unexpected: Error {
    let outcome: CommitOutcome

    init(_ outcome: CommitOutcome) { self.outcome = outcome }
}

extension CommitOutcome {
    var error: StoreError? {
        switch self {
        case .committed, .conflict: nil
        case .refused(let error), .unknown(let error): error
        }
    }
}

/// The error that `body` throws.
func failure(_ body: () async throws -> Void) async -> StoreError? {
    do {
        try await body()
        return nil
    } catch {
        return error as? StoreError
    }
}
