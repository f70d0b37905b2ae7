import EtcdProto
import FleetModel
import FleetRegistry
import FoundationEssentials
import SwiftProtobuf

/// A range of keys as etcd writes it: there is no empty key, and an end of one zero byte means "to the last key".
struct EtcdSpan: Hashable {
    var key: Data
    var end: Data

    private static let zero = Data([0])

    /// nil when no key can be in `range`; etcd would read some of these as "everything".
    init?(_ range: KeyRange) {
        guard !range.isEmpty else { return nil }
        key = Data(range.start.description.utf8)
        if key.isEmpty { key = Self.zero }
        guard let last = range.end else {
            end = Self.zero
            return
        }
        end = Data(last.description.utf8)
        guard key.lexicographicallyPrecedes(end) else { return nil }
    }

    /// What comes after `last`, up to the same end.
    func after(_ last: Data) -> EtcdSpan {
        var span = self
        span.key = last + Self.zero
        return span
    }
}

extension EtcdTxnRequest {
    /// etcd's form of `transaction`, which has no defect.
    init(_ transaction: Transaction) {
        self.init()
        compare = transaction.compares.map(EtcdCompare.init)
        success = transaction.operations.compactMap(EtcdRequestOp.init)
        guard success.isEmpty else { return }
        // Without an operation etcd would compare what this member knows, which may be old; a read makes it ask the
        // leader first. It reads what the user has rights on.
        success = [
            .with {
                $0.range.key = compare.first?.key ?? Data([0])
                $0.range.countOnly = true
            }
        ]
    }
}

extension EtcdRequestOp {
    /// nil for a deletion that cannot find a key.
    fileprivate init?(_ operation: StoreOperation) {
        self.init()
        switch operation {
        case .put(let key, let value, let lease):
            put.key = Data(key.description.utf8)
            put.value = Data(value)
            put.lease = lease?.number ?? 0
        case .delete(let range):
            guard let span = EtcdSpan(range) else { return nil }
            deleteRange.key = span.key
            deleteRange.rangeEnd = span.end
        }
    }
}

extension EtcdCompare {
    /// A key that is not there has revision 0 in etcd's compares, so a compare with 0 or less must not say "equal".
    fileprivate init(_ compare: Compare) {
        self.init()
        switch compare {
        case .absent(let key):
            (self.key, target, result, createRevision) = (Data(key.description.utf8), .create, .equal, 0)
        case .present(let key):
            (self.key, target, result, createRevision) = (Data(key.description.utf8), .create, .greater, 0)
        case .modified(let key, let revision):
            (self.key, target, modRevision) = (Data(key.description.utf8), .mod, max(revision.number, 0))
            result = revision > .zero ? .equal : .less
        case .created(let key, let revision):
            (self.key, target, createRevision) = (Data(key.description.utf8), .create, max(revision.number, 0))
            result = revision > .zero ? .equal : .less
        }
    }
}

extension StoredEntry {
    init(_ pair: EtcdKeyValue) {
        self.init(
            key: Key(String(decoding: pair.key, as: UTF8.self)),
            value: [UInt8](pair.value),
            created: Revision(pair.createRevision),
            modified: Revision(pair.modRevision),
            lease: pair.lease == 0 ? nil : LeaseID(pair.lease)
        )
    }
}

extension StoreEvent {
    init(_ event: EtcdEvent) {
        switch event.kind {
        case .delete:
            self = .delete(Key(String(decoding: event.kv.key, as: UTF8.self)), at: Revision(event.kv.modRevision))
        case .put, .UNRECOGNIZED:
            self = .put(StoredEntry(event.kv))
        }
    }
}
