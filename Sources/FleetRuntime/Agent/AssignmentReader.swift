import FleetAgent
import FleetModel
import FleetRegistry
import Logging
import UnitFile

/// Reads what the registry has for one machine's agent. What this version cannot read is told apart from what is not
/// there: the unit is left as it is.
struct AssignmentReader: Sendable {
    /// Everything, as of one revision.
    struct Listing: Sendable {
        var assignments: [UnitName: Assignment] = [:]
        var refusals: [UnitName: Refusal] = [:]
        var unreadable: Set<UnitName> = []
        var revision: Revision
    }

    /// What has changed: nil where there is no assignment any more.
    struct Changes: Sendable {
        var assignments: [UnitName: Assignment?] = [:]
        var unreadable: Set<UnitName> = []
    }

    let store: any KeyValueStore
    let keyspace: Keyspace
    let machine: MachineID
    let log: Logger

    /// Reads all assignments and refusals of this machine. Waits until there is a fleet in the registry.
    func list() async throws -> Listing {
        let declared = try RegistryValue.decode(RegistryFormat.self, from: try await format().value)
        guard declared.minimumReader <= RegistryValue.version else {
            throw StoreError(.newerFormat, "fleet \(declared.writer) is at work there: upgrade fleetd")
        }
        let answer = try await store.range(keyspace.assignments(of: machine), limit: 0)
        var listing = Listing(revision: answer.revision)
        for entry in answer.entries {
            guard case .assignment(_, let unit)? = RegistryKey(entry.key, in: keyspace) else { continue }
            if let assignment = read(entry, of: unit) {
                listing.assignments[unit] = assignment
            } else {
                listing.unreadable.insert(unit)
            }
        }
        for entry in try await store.range(keyspace.refusals(of: machine), limit: 0).entries {
            guard case .refusal(_, let unit)? = RegistryKey(entry.key, in: keyspace) else { continue }
            listing.refusals[unit] = try? RegistryValue.decode(Refusal.self, from: entry.value)
        }
        return listing
    }

    /// Follows the assignments from `start` on.
    func watch(from start: Revision) -> AsyncThrowingStream<WatchBatch, any Error> {
        store.watch(keyspace.assignments(of: machine), from: start)
    }

    /// The last word of `events` on each unit.
    func changes(of events: [StoreEvent]) -> Changes {
        var changes = Changes()
        for event in events {
            switch event {
            case .put(let entry):
                guard case .assignment(_, let unit)? = RegistryKey(entry.key, in: keyspace) else { continue }
                if let assignment = read(entry, of: unit) {
                    changes.assignments.updateValue(assignment, forKey: unit)
                    changes.unreadable.remove(unit)
                } else {
                    changes.assignments.removeValue(forKey: unit)
                    changes.unreadable.insert(unit)
                }
            case .delete(let key, _):
                guard case .assignment(_, let unit)? = RegistryKey(key, in: keyspace) else { continue }
                changes.assignments.updateValue(nil, forKey: unit)
                changes.unreadable.remove(unit)
            }
        }
        return changes
    }

    /// Waits until the registry has a format. One that has none has no fleet in it: it was lost, or it is the wrong
    /// one, or it is about to be filled. That no unit is assigned there is no reason to stop any.
    private func format() async throws -> StoredEntry {
        let key = RegistryKey.format.key(in: keyspace)
        let answer = try await store.range(.key(key), limit: 1)
        if let entry = answer.entries.first { return entry }
        for try await batch in store.watch(.key(key), from: answer.revision.next) {
            for case .put(let entry) in batch.events { return entry }
        }
        try Task.checkCancellation()
        throw StoreError(.unavailable, "the registry ended its watch")
    }

    /// The assignment; nil when this version cannot read it.
    private func read(_ entry: StoredEntry, of unit: UnitName) -> Assignment? {
        do throws(RegistryValueError) {
            return try RegistryValue.decode(Assignment.self, from: entry.value)
        } catch {
            log.error("\(entry.key) \(error.message); the unit is left as it is", metadata: ["unit": "\(unit)"])
            return nil
        }
    }
}
