import FleetEngine
import FleetModel
import FleetRegistry
import FleetRuntime
import Testing

/// Which lease an engine campaigns with, and when it takes a leadership for lost.
@Suite struct LeadershipTests {
    static let gone = StoreError(.leaseNotFound, "the lease has ended")
    static let away = StoreError(.unavailable, "nobody answers")

    private static func term() -> LeadershipTerm {
        var term = LeadershipTerm()
        term.granted(LeaseID(7))
        return term
    }

    private static func entry(on lease: LeaseID) -> StoredEntry {
        StoredEntry(key: Key("leader"), value: [], created: Revision(5), modified: Revision(6), lease: lease)
    }

    @Test func theFirstOneWins() {
        var term = Self.term()
        let answer1 = term.put(.committed(Revision(3)))
        #expect(answer1 == .won(Revision(3)))
        #expect(term.lease == LeaseID(7))
    }

    /// Nobody renews it, so by the time of the next election it has ended.
    @Test func theLeaseOfALostElectionIsNotUsedAgain() {
        var term = Self.term()
        let answer2 = term.put(.conflict)
        #expect(answer2 == nil)
        let answer3 = term.found(Self.entry(on: LeaseID(8)))
        #expect(answer3 == .held)
        #expect(term.lease == nil)
    }

    @Test func aLeaseThatHasEndedIsNotUsedAgain() {
        var term = Self.term()
        let answer4 = term.put(.refused(Self.gone))
        #expect(answer4 == .failed)
        #expect(term.lease == nil)
    }

    @Test func anUnknownOutcomeMayHaveWon() {
        var term = Self.term()
        let answer5 = term.put(.unknown(Self.away))
        #expect(answer5 == .failed)
        let answer6 = term.put(.conflict)
        #expect(answer6 == nil)
        let answer7 = term.found(Self.entry(on: LeaseID(7)))
        #expect(answer7 == .won(Revision(5)))
    }

    @Test func aFullDiskIsNotTheLeasesFault() {
        var term = Self.term()
        let answer8 = term.put(.refused(StoreError(.full, "no space")))
        #expect(answer8 == .failed)
        #expect(term.lease == LeaseID(7))
    }

    @Test func theEndOfAnotherLeaseIsNoMatter() {
        var term = Self.term()
        term.ended(LeaseID(6))
        #expect(term.lease == LeaseID(7))
        term.ended(LeaseID(7))
        #expect(term.lease == nil)
    }

    @Test func aRenewalMayFailUntilTheLeaseIsOver() {
        var renewal = LeaseRenewal(ttl: .seconds(6), at: .seconds(100))
        let answer9 = renewal.isAlive(after: Self.away, sent: .seconds(103), at: .seconds(104))
        #expect(answer9)
        let answer10 = renewal.isAlive(after: nil, sent: .seconds(104), at: .seconds(105))
        #expect(answer10)
        let answer11 = renewal.isAlive(after: Self.away, sent: .seconds(105), at: .seconds(109))
        #expect(answer11)
        let answer12 = renewal.isAlive(after: Self.away, sent: .seconds(109), at: .seconds(110))
        #expect(!answer12)
    }

    @Test func aLeaseThatHasEndedIsLostAtOnce() {
        var renewal = LeaseRenewal(ttl: .seconds(6), at: .seconds(100))
        let answer13 = renewal.isAlive(after: Self.gone, sent: .seconds(101), at: .seconds(101))
        #expect(!answer13)
    }
}
