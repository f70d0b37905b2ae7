package import FleetModel
package import FleetRegistry
package import Logging
import Synchronization
package import UnitFile

/// Writes down which volumes this machine has, after a unit that has any was started or stopped: soon, but never more
/// often than every `interval`, and only what has changed. A machine that never had such a unit writes nothing.
package final class InventoryKeeper: Sendable {
    /// Sizes are for people, and measuring reads whole folders.
    package static let interval = Duration.seconds(60)
    /// A unit that was just started writes its first files meanwhile.
    package static let settling = Duration.seconds(5)

    private struct Known {
        var units: Set<UnitName> = []
        var states: Set<VolumeName> = []
    }

    private let store: any KeyValueStore
    private let key: Key
    private let units: any UnitManager
    private let clock: any WallClock
    private let log: Logger
    private let known = Mutex(Known())
    private let news: AsyncStream<Void>
    private let signal: AsyncStream<Void>.Continuation

    package init(
        store: any KeyValueStore,
        keyspace: Keyspace,
        machine: MachineID,
        units: any UnitManager,
        clock: any WallClock,
        log: Logger
    ) {
        self.store = store
        key = RegistryKey.inventory(machine).key(in: keyspace)
        self.units = units
        self.clock = clock
        self.log = log
        (news, signal) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// The machine has been given this unit.
    package func assigned(_ assignment: Assignment, to unit: UnitName) {
        let volumes = (assignment.volumes ?? []) + (assignment.looseVolumes ?? [])
        let isUser = assignment.quadlet?.companions.keys.contains { $0.kind == .volume } ?? false
        guard !volumes.isEmpty || isUser else { return }
        known.withLock { known in
            known.units.insert(unit)
            known.states.formUnion(volumes.filter { $0.statePath != nil })
        }
    }

    /// The unit has come to another state.
    package func heard(of unit: UnitName) {
        if known.withLock({ $0.units.contains(unit) }) { signal.yield() }
    }

    /// Ends when the task is cancelled.
    package func run() async {
        do {
            var stored = try await firstReading()
            if stored != nil { signal.yield() }
            for await _ in news {
                try await clock.sleep(for: Self.settling)
                let states = known.withLock { $0.states }.union(
                    (stored?.volumes ?? [:]).keys.filter { $0.statePath != nil }
                )
                let found = await units.inventory(with: states.sorted())
                if found != stored ?? FoundVolumes() {
                    if await write(found) { stored = found } else { signal.yield() }
                }
                try await clock.sleep(for: Self.interval)
            }
        } catch {
            // Cancelled.
        }
    }

    /// What is stored; nil for nothing.
    private func firstReading() async throws -> FoundVolumes? {
        var backoff = Backoff()
        while true {
            do throws(StoreError) {
                let entry = try await store.range(.key(key), limit: 1).entries.first
                guard let entry else { return nil }
                let inventory = try? RegistryValue.decode(VolumeInventory.self, from: entry.value)
                return FoundVolumes(inventory?.volumes ?? [:], omitted: inventory?.omitted)
            } catch {
                log.debug("The inventory of volumes cannot be read: \(error)")
            }
            try await clock.sleep(for: backoff.delay())
        }
    }

    /// False when it has to be tried again.
    private func write(_ found: FoundVolumes) async -> Bool {
        let inventory = VolumeInventory(at: clock.now(), volumes: found.volumes, omitted: found.omitted)
        let value = RegistryValue.encode(inventory)
        let operation = found.volumes.isEmpty ? StoreOperation.delete(.key(key)) : .put(key, value, lease: nil)
        switch await store.commit(Transaction(operations: [operation])) {
        case .committed: return true
        case .conflict, .refused, .unknown: return false
        }
    }
}
