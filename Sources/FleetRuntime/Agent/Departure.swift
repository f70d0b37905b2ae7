package import Logging
import ServiceLifecycle

/// What a clean shutdown of the machine means to the fleet: as soon as its units have stopped, the machine leaves, and
/// others take them over without waiting for the end of a lease.
///
/// Ending fleetd alone means nothing: it will be back, and its units run on.
///
/// Among the services it comes between the session, which it ends for good, and the agent, which has to be silent by
/// then: that units stop is the machine's wish, not theirs.
package struct Departure: Service {
    /// True while systemd takes the machine down.
    private let isShuttingDown: @Sendable () async -> Bool
    /// True once nothing of a fleet runs.
    private let isAtRest: @Sendable () async -> Bool
    private let giveBack: @Sendable () async -> Void
    private let session: MachineSession
    private let clock: any WallClock
    private let log: Logger

    /// How often the units are looked at meanwhile: systemd is about to end, and whoever waits for signals of it may
    /// wait for ever.
    private static let pause = Duration.milliseconds(100)
    /// The longest that units are waited for; fleetd.service allows a little more (`TimeoutStopSec=`). What takes
    /// longer is taken over when the lease ends.
    private static let patience = Duration.seconds(85)

    /// `giveBack` is for what only this machine can do before it is gone: the locks of its at-most-once units.
    package init(
        isShuttingDown: @escaping @Sendable () async -> Bool,
        isAtRest: @escaping @Sendable () async -> Bool,
        giveBack: @escaping @Sendable () async -> Void,
        session: MachineSession,
        clock: any WallClock,
        log: Logger
    ) {
        self.isShuttingDown = isShuttingDown
        self.isAtRest = isAtRest
        self.giveBack = giveBack
        self.session = session
        self.clock = clock
        self.log = log
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            do { try await waitForCancellation() } catch { return }
        }
        guard await isShuttingDown() else { return }
        let end = clock.elapsed() + Self.patience
        while await !isAtRest() {
            guard clock.elapsed() < end else {
                log.error("The machine goes down and its units take long to stop; they move when its lease ends")
                return
            }
            do { try await clock.sleep(for: Self.pause) } catch { return }
        }
        await giveBack()
        await session.leave()
    }
}
