import FleetEngine
import FleetRegistry
import Synchronization

/// How long ago the registry answered the renewals of this machine's lease. Pure, so that the simulator runs the same
/// rule.
///
/// A registry whose members all hang for some seconds goes on counting, and then ends the leases that nobody could
/// renew meanwhile: those that were due early in the silence, while others live on. Such an end says nothing about the
/// machine.
package struct RegistrySilence: Hashable, Sendable {
    /// nil for a lease that nobody renews.
    private let longest: Duration?
    private var heard: Duration
    private var ended: Duration?

    /// How long after the end of a silence machines need to register again.
    package static let grace = EngineLimits.registrationRound

    /// `now` is the time of `WallClock.elapsed`, from which on answers are waited for.
    package init(_ life: LeaseLife, at now: Duration) {
        if case .ttl(let ttl) = life { longest = Self.longest(ttl) } else { longest = nil }
        heard = now
    }

    /// Three fifths of a lease: less than the two thirds that a machine's lease has left at least when a silence
    /// begins, and more than the third between two renewals with the time it takes to go over to another member.
    static func longest(_ ttl: Duration) -> Duration { ttl * 3 / 5 }

    /// The registry has answered.
    package mutating func hear(at now: Duration) {
        if let longest, now - heard >= longest { ended = now }
        heard = now
    }

    /// For how long ends of leases still mean nothing; nil when they mean what they should.
    package func left(at now: Duration) -> Duration? {
        guard let longest else { return nil }
        if now - heard >= longest { return Self.grace }
        guard let ended, now - ended < Self.grace else { return nil }
        return ended + Self.grace - now
    }
}

/// Where the one who renews the lease says that the registry answers, and the engine reads it.
package final class RegistryEar: Sendable {
    private let silence: Mutex<RegistrySilence>

    package init(_ life: LeaseLife, at now: Duration) { silence = Mutex(RegistrySilence(life, at: now)) }

    package func hear(at now: Duration) { silence.withLock { $0.hear(at: now) } }
    package func left(at now: Duration) -> Duration? { silence.withLock { $0.left(at: now) } }
}

extension LeaseTime {
    /// Whether a lease that is renewed after every third of its time has missed a renewal. The second is for registries
    /// that count whole ones, and for the way there and back.
    package var isOverdue: Bool { left < whole * 2 / 3 - .seconds(1) }
}
