import CRuntime
import FleetRuntime
import ServiceLifecycle

/// Gives memory back to the system after every burst of work. fleetd is idle nearly all the time, on machines whose
/// memory is for units; without this, glibc would keep what the largest burst took for as long as fleetd runs.
struct MemoryThrift: Service {
    let registry: RegistryService
    let clock: SystemClock
    /// Lets go of what is only kept because it may be asked for again.
    let forget: @Sendable () -> Void

    /// How long after a change the heap is trimmed. Longer than a burst's steps are apart; trimming takes a few
    /// milliseconds, so one that comes in the middle of a long burst does no harm.
    private static let delay = Duration.seconds(2)

    /// To be called before any other thread exists. One arena, because free memory of several never comes together, and
    /// fleetd's threads seldom allocate at the same time; and every large block on its own, returned when it is freed,
    /// where glibc would raise that threshold to the largest one it has seen.
    static func configure() {
        // Both answer 0 for a parameter they do not know, which costs memory and nothing else.
        _ = mallopt(M_ARENA_MAX, 1)
        _ = mallopt(M_MMAP_THRESHOLD, 32 * 1024)
    }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            let (id, signals) = await registry.subscribe()
            for await _ in signals {
                do { try await clock.sleep(for: Self.delay) } catch { return }
                _ = await registry.take(id)
                forget()
                _ = malloc_trim(0)
            }
        }
    }
}
