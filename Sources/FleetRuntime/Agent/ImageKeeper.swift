import FleetModel
import FleetRegistry
import Logging

/// Writes down which images this machine has, when fleetd starts and after it has pulled one, so that units go where
/// theirs is; never more often than every `interval`, and only what has changed.
final class ImageKeeper: Sendable {
    /// Units that are started together pull one image after the other.
    static let interval = Duration.seconds(10)

    private let store: any KeyValueStore
    private let key: Key
    private let puller: any ImagePuller
    private let clock: any WallClock
    private let log: Logger
    private let news: AsyncStream<Void>
    private let signal: AsyncStream<Void>.Continuation

    init(
        store: any KeyValueStore,
        keyspace: Keyspace,
        machine: MachineID,
        puller: any ImagePuller,
        clock: any WallClock,
        log: Logger
    ) {
        self.store = store
        key = RegistryKey.images(machine).key(in: keyspace)
        self.puller = puller
        self.clock = clock
        self.log = log
        (news, signal) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// There may be other images than before.
    func changed() { signal.yield() }

    /// Ends when the task is cancelled.
    func run() async {
        changed()
        var stored: [String]?
        var backoff = Backoff()
        for await _ in news {
            do {
                guard let names = (await puller.names())?.prefix(Limits.inventoryImages) else { continue }
                let old = if let stored { stored } else { try await readStored() }
                if Array(names) != old { try await write(Array(names)) }
                stored = Array(names)
                backoff.reset()
                try await clock.sleep(for: Self.interval)
            } catch is CancellationError {
                return
            } catch {
                log.debug("The images of this machine cannot be written down: \(error)")
                do { try await clock.sleep(for: backoff.delay()) } catch { return }
                changed()
            }
        }
    }

    private func readStored() async throws -> [String] {
        guard let entry = try await store.range(.key(key), limit: 1).entries.first else { return [] }
        return (try? RegistryValue.decode(ImageInventory.self, from: entry.value))?.names ?? []
    }

    private func write(_ names: [String]) async throws {
        let value = RegistryValue.encode(ImageInventory(names: names, at: clock.now()))
        switch await store.commit(Transaction(operations: [.put(key, value, lease: nil)])) {
        case .committed, .conflict: return
        case .refused(let error), .unknown(let error): throw error
        }
    }
}
