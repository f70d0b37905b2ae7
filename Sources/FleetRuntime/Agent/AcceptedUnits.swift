import FleetModel
import FleetRegistry
import Logging
import Synchronization
import UnitFile

/// What this machine was told last, kept where a boot does not lose it: a machine that comes up and cannot reach the
/// registry starts it (promise P1).
actor AcceptedUnits {
    private struct Entry: Codable {
        var assignment: Assignment
        var text: String
    }

    private let store: any DurableLedger
    private let log: Logger
    /// What is kept, as fingerprints of assignments; nil before it was read.
    private var kept: [UnitName: ContentHash]?
    /// The registry has told what is assigned, or what was told last was recalled.
    private var hasHeard = false
    /// What was recalled, until the registry is heard.
    private var recalled: [UnitName: Entry] = [:]
    /// What was accepted and is not written down yet; of a unit, only the newest is of use.
    private let accepted = Mutex<[UnitName: Assignment?]>([:])
    private let news: AsyncStream<Void>
    private let signalNews: AsyncStream<Void>.Continuation

    init(_ store: any DurableLedger, log: Logger) {
        self.store = store
        self.log = log
        (news, signalNews) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    }

    var units: Set<UnitName> { get async { Set(await fingerprints().keys) } }

    // MARK: After a boot

    /// What a machine that comes up without a registry runs: what it was told last, but nothing that needs a lock. Only
    /// once, and only before anything was heard: what is known is never older than what was known.
    func recall() async -> [UnitName: Assignment] {
        guard !hasHeard else { return [:] }
        hasHeard = true
        recalled = await entries()
        return recalled.mapValues(\.assignment).filter { !$0.value.atMostOnce }
    }

    /// The registry has told what is assigned: nothing has to be recalled any more.
    func heard() {
        hasHeard = true
        recalled = [:]
    }

    /// The text that was recalled with the unit's assignment, if it is this one.
    func text(_ file: ContentHash, of unit: UnitName) -> String? {
        guard let entry = recalled[unit], entry.assignment.file == file, ContentHash(of: entry.text) == file else {
            return nil
        }
        return entry.text
    }

    // MARK: Writing down

    /// Takes note of assignments, and of units that have none any more. Returns at once.
    nonisolated func accept(_ changes: [UnitName: Assignment?]) {
        guard !changes.isEmpty else { return }
        accepted.withLock { $0.merge(changes) { $1 } }
        signalNews.yield()
    }

    /// Writes down what is accepted, behind everything else: it matters after the next boot.
    func keepAccepted(_ files: FileTexts) async {
        for await _ in news {
            let changes = accepted.withLock { accepted in
                defer { accepted = [:] }
                return accepted
            }
            var known = await fingerprints()
            var values: [UnitName: [UInt8]?] = [:]
            for (unit, assignment) in changes.sorted(by: { $0.key < $1.key }) {
                let fingerprint = assignment.map(Self.fingerprint)
                guard known[unit] != fingerprint else { continue }
                known[unit] = fingerprint
                guard let assignment else {
                    values[unit] = .some(nil)
                    continue
                }
                // Without the text it is of no use; installing it asks for the text anyway, and tells of trouble.
                guard case .text(let text)? = await files.texts(of: [assignment.file])[assignment.file] else {
                    known[unit] = kept?[unit]
                    continue
                }
                values[unit] = RegistryValue.encode(Entry(assignment: assignment, text: text))
            }
            if !values.isEmpty { await write(values) }
            kept = known
        }
    }

    private func write(_ values: [UnitName: [UInt8]?]) async {
        do {
            try await store.keep(values)
        } catch {
            log.error("What this machine was told cannot be written: \(error)")
        }
    }

    // MARK: Reading

    private func fingerprints() async -> [UnitName: ContentHash] {
        if let kept { return kept }
        let read = await entries().mapValues { Self.fingerprint($0.assignment) }
        if kept == nil { kept = read }
        return kept ?? read
    }

    private static func fingerprint(_ assignment: Assignment) -> ContentHash {
        ContentHash(of: String(decoding: RegistryValue.encode(assignment), as: UTF8.self))
    }

    private func entries() async -> [UnitName: Entry] {
        do {
            return decoded(try await store.values(), "What was accepted", log)
        } catch {
            log.error("What this machine was told last cannot be read: \(error)")
            return [:]
        }
    }
}
