/// How `AtMostOnce=` units are stopped in time when a machine can no longer be sure of its locks (promise P3).
///
/// The locks hang on the machine's lease. systemd, by a timer that works whatever becomes of fleetd, begins to stop the
/// units `fence` after the last acknowledged renewal was *sent*, and has them down `stop` later. When a lock has gone
/// with its lease, no other machine takes it before `lockDelay` has passed: the last renewal was acknowledged before
/// the lease ended, so the units are down by then, if
///
///     fence + stop + margin <= lockDelay
///
/// That the registry ends no lease before its time is not relied upon (`UnitLockHolder`).
///
/// `margin` pays for clocks that do not run equally fast (1 % of a lease is ten times what crystals need), for the
/// timer's accuracy, for two small services that systemd starts before it stops the units, for a health check that is
/// under way, which is killed and given a tenth of a second before its unit's own stop begins (`CheckLimits.stop`), and
/// for the kernel's time to end a killed process. Not paid for: a whole machine that is frozen from outside and goes on
/// (a stopped virtual machine, a suspend that bypasses systemd). fleetd, and systemd by its timer, then find the
/// deadline long past as soon as they run again, and kill the units: milliseconds after those go on.
package struct FenceTiming: Hashable, Sendable {
    /// The time to live of the machine's lease.
    package let lease: Duration
    /// From sending the last acknowledged renewal until systemd begins to stop the units. Renewals are sent after a
    /// third of the lease, so one may come a quarter of a lease late.
    package let fence: Duration
    /// The longest a unit may take to stop, `SIGKILL` included. This is what `AtMostOnce=` units get in all, where
    /// others have `TimeoutStopSec=` for each phase.
    package let stop: Duration

    /// With less, `margin` is not enough for two small services to start on a busy machine.
    package static let shortestLease = Duration.seconds(5)

    package var isLongEnough: Bool { lease >= Self.shortestLease }

    package init(lease: Duration) {
        self.lease = lease
        fence = lease * 6 / 10
        stop = lease * 3 / 10
    }

    package var margin: Duration { lease - fence - stop }

    /// How long a lock that went with its machine's lease is left alone.
    package var lockDelay: Duration { lease }

    /// How long a unit may run for certain when a renewal that was sent at `sent` has been acknowledged.
    package func deadline(of sent: Duration) -> Duration { sent + fence }

    /// What has to be left of that when a unit is started, so that it is not stopped at once.
    package var leastLeft: Duration { lease / 20 }
}
