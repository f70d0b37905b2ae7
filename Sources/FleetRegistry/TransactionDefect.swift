import FleetModel

extension Transaction {
    /// Why no store accepts this transaction, whatever is stored; nil when it is well formed. Every implementation asks
    /// here, so that none is stricter than another.
    package var defect: String? {
        if operations.count > Limits.operationsPerTransaction {
            return "\(operations.count) operations in one transaction; at most \(Limits.operationsPerTransaction) are "
                + "allowed, split it"
        }
        if compares.count > Limits.operationsPerTransaction {
            return "\(compares.count) compares in one transaction; at most \(Limits.operationsPerTransaction) are "
                + "allowed, split it"
        }
        if operations.contains(where: \.putsEmptyKey) { return "a key must not be empty" }
        guard operations.count > 1 else { return nil }
        let spans = operations.map(\.span).filter { !$0.isEmpty }.sorted { $0.start < $1.start }
        for (earlier, later) in zip(spans, spans.dropFirst()) where earlier.reaches(later.start) {
            return "the transaction touches key '\(later.start)' twice"
        }
        return nil
    }
}

extension StoreOperation {
    /// The keys this operation may touch.
    fileprivate var span: KeyRange {
        switch self {
        case .put(let key, _, lease: _): .key(key)
        case .delete(let range): range
        }
    }

    fileprivate var putsEmptyKey: Bool {
        guard case .put(let key, _, lease: _) = self else { return false }
        return key == Key("")
    }
}

extension KeyRange {
    /// True when no key can be inside.
    package var isEmpty: Bool {
        guard let end else { return false }
        return end <= start
    }

    /// True when `key`, which is not before `start`, is inside. Ranges sorted by their start overlap exactly when one
    /// reaches the next one's start: a longer earlier range would have been caught by the one in between.
    fileprivate func reaches(_ key: Key) -> Bool {
        guard let end else { return true }
        return key < end
    }
}
