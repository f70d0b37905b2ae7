import EtcdProto
import FleetModel
package import FleetRegistry
package import FleetRuntime

extension EtcdStore {
    /// etcd's `--max-request-bytes`, as it is by default: 1.5 MiB. Asked here, so that a transaction that is too large
    /// is refused before it is sent and whatever the cluster is set to.
    private static let requestBytes = 3 << 19

    package func commit(_ transaction: Transaction) async -> CommitOutcome {
        if let defect = transaction.defect { return .refused(StoreError(.invalid, defect)) }
        let request = EtcdTxnRequest(transaction)
        let size = transaction.operations.reduce(0) { $0 + $1.size }
        guard size < Self.requestBytes else {
            let message = "A transaction of \(size) bytes; etcd takes \(Self.requestBytes) at a time, split it."
            return .refused(StoreError(.invalid, message))
        }
        let before = seen
        do throws(RPCFailure) {
            let answer = try await callOnce(request)
            let revision = Revision(answer.header.revision)
            see(revision)
            return answer.succeeded ? .committed(revision) : .conflict
        } catch {
            let described = words.error(error)
            if described.code == .full, await provesUnchanged(transaction, since: before) { return .refused(described) }
            return error.mayHaveHappened ? .unknown(described) : .refused(described)
        }
    }

    /// Whether a transaction that etcd had no space for left no trace.
    ///
    /// etcd gives that answer to what it turned away, and also to the write that went over its quota and *was* applied.
    /// A key that this transaction puts tells them apart when it was last changed before the commit began; a registry
    /// that no one has changed since then does, too.
    private func provesUnchanged(_ transaction: Transaction, since before: Revision) async -> Bool {
        let keys = transaction.operations.lazy.compactMap { operation -> Key? in
            guard case .put(let key, _, lease: _) = operation else { return nil }
            return key
        }
        guard let key = keys.first else { return false }
        do {
            let answer = try await range(.key(key), limit: 1)
            if answer.revision <= before { return true }
            return answer.entries.first.map { $0.modified <= before } ?? false
        } catch {
            return false
        }
    }
}

extension StoreOperation {
    /// Bytes of keys and values, with a few for what stands around them.
    fileprivate var size: Int {
        switch self {
        case .put(let key, let value, lease: _): key.description.utf8.count + value.count + 32
        case .delete(let range): range.start.description.utf8.count + (range.end?.description.utf8.count ?? 0) + 16
        }
    }
}
