import FleetModel
import FleetRegistry
import Logging
import Synchronization
import UnitFile

/// What this machine was told last, kept where a boot does not lose it: a machine that comes up and cannot reach the
/// registry starts it (promise P1). An actor, so that a slow disk keeps nobody else waiting.
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

    private let store: any LedgerStore
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

    init(_ store: any LedgerStore, log: Logger) {
        self.store = store
        self.log = log
        (news, signalNews) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    }

    var units: Set<UnitName> { Set(fingerprints().keys) }

    // MARK: After a boot

    /// What a machine that comes up without a registry runs: what it was told last, but nothing that needs a lock. Only
    /// once, and only before anything was heard: what is known is never older than what was known.
    func recall() -> [UnitName: Assignment] {
        guard !hasHeard else { return [:] }
        hasHeard = true
        recalled = entries()
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

    /// Writes down what is accepted, behind everything else: it matters after the next boot. Not on the actor, so that
    /// who asks it something waits for one unit at most.
    nonisolated func keepAccepted(_ files: FileTexts) async {
        for await _ in news {
            let changes = accepted.withLock { accepted in
                defer { accepted = [:] }
                return accepted
            }
            for (unit, assignment) in changes.sorted(by: { $0.key < $1.key }) {
                guard let assignment else {
                    await forget(unit)
                    continue
                }
                guard await isNew(assignment, of: unit) else { continue }
                // Without the text it is of no use; installing it asks for the text anyway, and tells of trouble.
                let companions = (assignment.quadlet?.companions ?? [:]).sorted { $0.key < $1.key }.map(\.value)
                let answers = await files.texts(of: Set(companions + [assignment.file]))
                let texts = ([assignment.file] + companions).compactMap { file in
                    if case .text(let text)? = answers[file] { text } else { nil }
                }
                guard let text = texts.first, texts.count == companions.count + 1 else { continue }
                let others = texts.count > 1 ? Array(texts.dropFirst()) : nil
                await keep(Entry(assignment: assignment, text: text, companions: others), of: unit)
            }
        }
    }

    private func isNew(_ assignment: Assignment, of unit: UnitName) -> Bool {
        fingerprints()[unit] != Self.fingerprint(assignment)
    }

    private func keep(_ entry: Entry, of unit: UnitName) {
        write(RegistryValue.encode(entry), of: unit)
        kept?[unit] = Self.fingerprint(entry.assignment)
    }

    private func forget(_ unit: UnitName) {
        guard fingerprints()[unit] != nil else { return }
        write(nil, of: unit)
        kept?[unit] = nil
    }

    private func write(_ bytes: [UInt8]?, of unit: UnitName) {
        do {
            try store.keep(bytes, of: unit)
        } catch {
            log.error("What this machine was told cannot be written: \(error)", metadata: ["unit": "\(unit)"])
        }
    }

    // MARK: Reading

    private func fingerprints() -> [UnitName: ContentHash] {
        if let kept { return kept }
        let read = entries().mapValues { Self.fingerprint($0.assignment) }
        kept = read
        return read
    }

    private static func fingerprint(_ assignment: Assignment) -> ContentHash {
        ContentHash(of: String(decoding: RegistryValue.encode(assignment), as: UTF8.self))
    }

    private func entries() -> [UnitName: Entry] {
        do {
            return try store.decoded("What was accepted", log)
        } catch {
            log.error("What this machine was told last cannot be read: \(error)")
            return [:]
        }
    }
}
