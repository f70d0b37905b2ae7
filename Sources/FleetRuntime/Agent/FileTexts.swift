import FleetModel
import FleetRegistry
import UnitFile

/// Fetches unit file texts from the registry, and keeps the newest few.
actor FileTexts {
    /// What became of a request for a text.
    enum Answer: Hashable, Sendable {
        case text(String)
        /// The registry does not have it, or has something else under its hash: asking again will not help.
        case missing(String)
        /// The registry cannot be asked now.
        case unavailable(StoreError)
    }

    private let store: any KeyValueStore
    private let keyspace: Keyspace
    private var cache: [ContentHash: String] = [:]
    /// The keys of `cache`, oldest use first.
    private var uses: [ContentHash] = []

    init(store: any KeyValueStore, keyspace: Keyspace) {
        self.store = store
        self.keyspace = keyspace
    }

    func texts(of files: Set<ContentHash>) async -> [ContentHash: Answer] {
        var answers: [ContentHash: Answer] = [:]
        await withTaskGroup(of: (ContentHash, Answer).self) { group in
            for file in files {
                if let text = cache[file] {
                    note(file, text)
                    answers[file] = .text(text)
                } else {
                    group.addTask { [store, keyspace] in (file, await Self.fetch(file, store, keyspace)) }
                }
            }
            for await (file, answer) in group {
                if case .text(let text) = answer { note(file, text) }
                answers[file] = answer
            }
        }
        return answers
    }

    private func note(_ file: ContentHash, _ text: String) {
        uses.removeAll { $0 == file }
        uses.append(file)
        cache[file] = text
        if uses.count > AgentServiceLimits.cachedFiles { cache[uses.removeFirst()] = nil }
    }

    private static func fetch(_ file: ContentHash, _ store: any KeyValueStore, _ keyspace: Keyspace) async -> Answer {
        do {
            let key = RegistryKey.file(file).key(in: keyspace)
            guard let entry = try await store.range(.key(key), limit: 1).entries.first else {
                return .missing("the registry has no unit file \(file.short)")
            }
            guard let text = String(validating: entry.value, as: UTF8.self), ContentHash(of: text) == file else {
                return .missing("what the registry has as unit file \(file.short) is another text")
            }
            return .text(text)
        } catch {
            return .unavailable(error)
        }
    }
}
