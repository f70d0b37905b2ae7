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
        /// Of the Quadlet files that the unit's needs beside it.
        var companions: [String]?

        func text(_ file: ContentHash) -> String? {
            ([text] + (companions ?? [])).first { ContentHash(of: $0) == file }
        }
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

    /// The text that was recalled with the unit's assignment, if it is one of its.
    func text(_ file: ContentHash, of unit: UnitName) -> String? { recalled[unit]?.text(file) }

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
                guard let entry = await entry(of: assignment, files) else {
                    known[unit] = kept?[unit]
                    continue
                }
                values[unit] = RegistryValue.encode(entry)
            }
            if !values.isEmpty { await write(values) }
            kept = known
        }
    }

    /// nil while a text cannot be had.
    private func entry(of assignment: Assignment, _ files: FileTexts) async -> Entry? {
        let companions = (assignment.quadlet?.companions ?? [:]).sorted { $0.key < $1.key }.map(\.value)
        let answers = await files.texts(of: Set(companions + [assignment.file]))
        let texts = ([assignment.file] + companions).compactMap { file in
            if case .text(let text)? = answers[file] { text } else { nil }
        }
        guard let text = texts.first, texts.count == companions.count + 1 else { return nil }
        let others = texts.count > 1 ? Array(texts.dropFirst()) : nil
        return Entry(assignment: assignment, text: text, companions: others)
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
