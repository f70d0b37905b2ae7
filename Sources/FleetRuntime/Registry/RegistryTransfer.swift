package import FleetAPI
package import FleetModel
package import FleetRegistry
import UnitFile

/// Takes a whole fleet out of one registry and puts it into another.
///
/// A registry without `meta/format` has no fleet in it: no fleetd reads, decides or stops anything there
/// (`RegistryService`, `AgentService`). So an import needs no order and no lock of its own: the format is written last,
/// and every transaction before it compares that it is absent.
package struct RegistryTransfer: Sendable {
    private let store: any KeyValueStore
    private let keyspace: Keyspace
    private let version: String

    /// Operations and bytes in one transaction: half of what etcd takes at most by default (128 and 1.5 MiB), a single
    /// unit file of the largest size included.
    private static let batch = (operations: 64, bytes: 256 << 10)

    /// `version` is fleetd's, for people.
    package init(store: any KeyValueStore, keyspace: Keyspace, version: String) {
        self.store = store
        self.keyspace = keyspace
        self.version = version
    }

    private var formatKey: Key { RegistryKey.format.key(in: keyspace) }

    private struct Contents {
        var format: StoredEntry?
        /// All that no lease takes away, without the format.
        var durable: [StoredEntry]
        var revision: Revision
    }

    private func contents() async throws(APIError) -> Contents {
        let answer: RangeAnswer
        do throws(StoreError) {
            answer = try await store.range(keyspace.all, limit: 0)
        } catch {
            throw APIError(503, "the registry cannot be read: \(error)")
        }
        return Contents(
            format: answer.entries.first { $0.key == formatKey },
            durable: answer.entries.filter { $0.lease == nil && $0.key != formatKey && !isOfThisRegistry($0.key) },
            revision: answer.revision
        )
    }

    /// Who held a lock is a matter of the registry in which it was held, and machines make themselves known.
    private func isOfThisRegistry(_ key: Key) -> Bool {
        switch RegistryKey(key, in: keyspace) {
        case .lockHolder, .known: true
        default: false
        }
    }

    // MARK: Out

    /// Throws 409 when there is no fleet in the registry.
    package func export(at now: Timestamp) async throws(APIError) -> RegistryExport {
        let contents = try await contents()
        guard let entry = contents.format else { throw APIError(409, "the registry has no fleet in it yet") }
        let format: RegistryFormat
        do throws(RegistryValueError) {
            format = try RegistryValue.decode(RegistryFormat.self, from: entry.value)
        } catch {
            throw APIError(500, "\(entry.key) \(error)")
        }
        var entries: [ExportedEntry] = []
        for entry in contents.durable {
            guard let value = String(validating: entry.value, as: UTF8.self) else {
                throw APIError(500, "\(entry.key) is not text: no fleetd wrote it; delete it")
            }
            entries.append(
                ExportedEntry(key: String(entry.key.description.dropFirst(keyspace.prefix.count)), value: value)
            )
        }
        let isLate = { (entry: ExportedEntry) in entry.key.hasPrefix("assignments/") }
        let header = ExportHeader(
            writer: version,
            minimumReader: format.minimumReader,
            at: now,
            revision: contents.revision.number,
            entries: entries.count
        )
        return RegistryExport(header: header, entries: entries.filter { !isLate($0) } + entries.filter(isLate))
    }

    // MARK: In

    /// Throws 409 when the registry is not as the step needs it, 400 for what no export has, 503 for the store's
    /// trouble.
    package func perform(_ request: ImportRequest) async throws(APIError) {
        switch request.step {
        case .begin: try await begin()
        case .entries: try await add(request.entries)
        case .finish: try await finish(request)
        }
    }

    private func begin() async throws(APIError) {
        let contents = try await contents()
        if let format = contents.format {
            guard contents.durable.isEmpty else {
                throw APIError(
                    409,
                    "the registry has a fleet in it (\(contents.durable.count) keys below \(keyspace.prefix)): "
                        + "an import needs an empty one"
                )
            }
            try await commit(
                Transaction(
                    compares: [.modified(formatKey, at: format.modified)],
                    operations: [.delete(.key(formatKey))]
                )
            )
        }
        var rest = contents.durable[...]
        while !rest.isEmpty {
            let some = rest.prefix(Self.batch.operations)
            try await commitWithoutFormat(some.map { .delete(.key($0.key)) })
            rest = rest.dropFirst(some.count)
        }
    }

    private func add(_ entries: [ExportedEntry]) async throws(APIError) {
        var operations: [StoreOperation] = []
        var bytes = 0
        for entry in entries {
            let key = try check(entry)
            if operations.count == Self.batch.operations || bytes + entry.value.utf8.count > Self.batch.bytes {
                if !operations.isEmpty { try await commitWithoutFormat(operations) }
                (operations, bytes) = ([], 0)
            }
            operations.append(.put(key, Array(entry.value.utf8), lease: nil))
            bytes += entry.value.utf8.count
        }
        if !operations.isEmpty { try await commitWithoutFormat(operations) }
    }

    /// Keys that a newer version has are taken as they are.
    private func check(_ entry: ExportedEntry) throws(APIError) -> Key {
        let key = Key(keyspace.prefix + entry.key)
        guard !entry.key.isEmpty, !entry.key.hasPrefix("/"), key != formatKey else {
            throw APIError(400, "\"\(entry.key)\" is no key of an export")
        }
        switch RegistryKey(key, in: keyspace) {
        case .file(let hash):
            guard ContentHash(of: entry.value) == hash else {
                throw APIError(400, "\(entry.key): the text is another one")
            }
        case .blob(let hash):
            let blob = try? RegistryValue.decode(StoredBlob.self, from: Array(entry.value.utf8))
            guard blob?.hash == hash else { throw APIError(400, "\(entry.key): the content is another one") }
        case .presence, .status, .refusal, .lock, .lockHolder, .leader:
            throw APIError(400, "\(entry.key) belongs to a lease")
        default: break
        }
        return key
    }

    private func finish(_ request: ImportRequest) async throws(APIError) {
        guard request.minimumReader <= RegistryValue.version else {
            throw APIError(409, "the export is of a newer fleet, whose values this one does not know: upgrade fleetd")
        }
        let there = try await contents().durable.count
        guard there == request.count else {
            throw APIError(409, "\(request.count) entries were sent and \(there) are there: repeat the import")
        }
        let format = RegistryFormat(minimumReader: request.minimumReader, writer: version)
        try await commitWithoutFormat([.put(formatKey, RegistryValue.encode(format), lease: nil)])
    }

    private func commitWithoutFormat(_ operations: [StoreOperation]) async throws(APIError) {
        try await commit(Transaction(compares: [.absent(formatKey)], operations: operations))
    }

    private func commit(_ transaction: Transaction) async throws(APIError) {
        switch await store.commit(transaction) {
        case .committed: return
        case .conflict:
            throw APIError(409, "another fleetd has begun to use the registry: stop it, and repeat the import")
        case .refused(let error):
            throw APIError(503, "the registry did not take the import: \(error); repeat it")
        case .unknown(let error):
            throw APIError(503, "the registry lost the answer: \(error); repeat the import")
        }
    }
}
