import FleetRuntime
import Testing

/// When ends of leases say nothing of their machines: with a lease of 10 s, renewed every 3.3 s.
@Suite struct RegistrySilenceTests {
    private let life = LeaseLife.ttl(.seconds(10))

    @Test func renewalsInTimeAreNoSilence() {
        var silence = RegistrySilence(life, at: .zero)
        for time in [3, 7, 10, 15, 20] {
            silence.hear(at: .seconds(time))
            #expect(silence.left(at: .seconds(time)) == nil)
        }
    }

    /// Going over to another member takes some two seconds.
    @Test func aLostMemberIsNone() {
        var silence = RegistrySilence(life, at: .zero)
        silence.hear(at: .milliseconds(5700))
        #expect(silence.left(at: .milliseconds(5700)) == nil)
    }

    /// Some leases end after six seconds and two thirds at the earliest, when nobody is answered.
    @Test func aSilenceCountsWhileItLastsAndForARoundAfterIt() {
        var silence = RegistrySilence(life, at: .zero)
        #expect(silence.left(at: .milliseconds(5999)) == nil)
        #expect(silence.left(at: .milliseconds(6600)) == RegistrySilence.grace)
        silence.hear(at: .seconds(8))
        #expect(silence.left(at: .seconds(8)) == RegistrySilence.grace)
        silence.hear(at: .seconds(11))
        #expect(silence.left(at: .seconds(12)) == RegistrySilence.grace - .seconds(4))
        silence.hear(at: .seconds(14))
        #expect(silence.left(at: .seconds(14)) == nil)
    }

    @Test func aRegistryOfThisProcessIsNeverSilent() {
        let silence = RegistrySilence(.whileOpen, at: .zero)
        #expect(silence.left(at: .seconds(100_000)) == nil)
    }
}
