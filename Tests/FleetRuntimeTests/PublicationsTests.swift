import FleetModel
import FleetRegistry
import FleetRuntime
import Testing
import UnitFile

@Suite struct PublicationsTests {
    private let machine = MachineID.nobody
    private let unit: UnitName = "web.service"

    private func news(_ event: StoreEvent, isWhole: Bool = false) -> OwnKeys.News {
        OwnKeys.News(events: [event], revision: event.revision, isWhole: isWhole)
    }

    private func written(at revision: Revision) throws -> (Publications, key: Key, value: [UInt8]) {
        var publications = Publications(machine: machine, keyspace: .standard)
        publications.hang(on: LeaseID(1))
        publications.publish(Refusal(reason: "no", at: Timestamp(milliseconds: 0)), of: unit)
        let next = publications.next(stored: [:])
        let batch = try #require(next)
        publications.committed(batch, at: revision)
        guard case .put(let key, let value, lease: LeaseID(1))? = batch.transaction.operations.first else {
            Issue.record("\(batch.transaction)")
            throw CancellationError()
        }
        return (publications, key, value)
    }

    private func put(_ key: Key, _ value: [UInt8], at revision: Revision, on lease: LeaseID = LeaseID(1)) -> StoreEvent
    {
        .put(StoredEntry(key: key, value: value, created: revision, modified: revision, lease: lease))
    }

    /// An earlier write whose answer was lost is carried out after a later one.
    @Test func whatAnEarlierWriteHasOverwrittenIsWrittenAgain() throws {
        var (publications, key, value) = try written(at: Revision(5))
        publications.noticed(news(put(key, value, at: Revision(5))))
        publications.noticed(news(put(key, [1], at: Revision(4))))
        #expect(!publications.isDue, "its own write, and what was before it")
        publications.noticed(news(put(key, [1], at: Revision(6))))
        #expect(publications.isDue)
        #expect(publications.next(stored: [:])?.transaction.operations == [.put(key, value, lease: LeaseID(1))])
    }

    @Test func whatHasGoneIsWrittenAgain() throws {
        var (publications, key, _) = try written(at: Revision(5))
        publications.noticed(news(.delete(key, at: Revision(4))))
        #expect(!publications.isDue)
        publications.noticed(news(.delete(key, at: Revision(6))))
        #expect(publications.isDue)
    }

    @Test func whatCameAfterTheUnitHadGoneIsRemoved() throws {
        var (publications, key, value) = try written(at: Revision(5))
        publications.publish(nil as Refusal?, of: unit)
        let next = publications.next(stored: [:])
        publications.committed(try #require(next), at: Revision(6))
        publications.noticed(news(put(key, value, at: Revision(7), on: LeaseID(9))))
        #expect(!publications.isDue, "what an earlier fleetd has left ends with its lease")
        publications.noticed(news(put(key, value, at: Revision(8))))
        #expect(publications.next(stored: [:])?.transaction.operations == [.delete(.key(key))])
    }

    @Test func aListWithoutItHasLostIt() throws {
        var (publications, _, _) = try written(at: Revision(5))
        publications.noticed(OwnKeys.News(events: [], revision: Revision(4), isWhole: true))
        #expect(!publications.isDue, "an old list")
        publications.noticed(OwnKeys.News(events: [], revision: Revision(4), isWhole: true, hasGoneBack: true))
        #expect(publications.isDue)
        (publications, _, _) = try written(at: Revision(5))
        publications.noticed(OwnKeys.News(events: [], revision: Revision(6), isWhole: true))
        #expect(publications.isDue)
    }

    /// The clock has gone back, the list of events is full, and the answer to the last write was lost: the event that
    /// is written again is the oldest one that is stored.
    @Test func anEventIsNotDeletedAndWrittenInOneTransaction() throws {
        let machine = try #require(MachineID("0123456789abcdef0123456789abcdef"))
        let unit: UnitName = "web.service"
        let past = Timestamp(milliseconds: 1_000_000)
        var publications = Publications(machine: machine, keyspace: .standard)
        publications.hang(on: LeaseID(1))
        publications.append(UnitEvent(at: past, unit: unit, kind: .started, machine: machine, message: "started"))
        let later = (1...Limits.eventsPerUnit).map {
            EventID.make(at: past.advanced(by: .seconds($0)), writer: machine, counter: $0)
        }
        let lost = publications.next(stored: [unit: later])
        let batch = try #require(lost)
        publications.putBack(batch)
        let keys = batch.transaction.operations.compactMap { operation -> RegistryKey? in
            guard case .put(let key, _, _) = operation else { return nil }
            return RegistryKey(key, in: .standard)
        }
        guard case .event(_, let own)? = keys.first else {
            Issue.record("no event in \(batch.transaction)")
            return
        }
        let again = publications.next(stored: [unit: [own] + later.dropFirst()])
        let second = try #require(again)
        #expect(second.transaction.defect == nil)
        #expect(second.transaction.operations.count == 1)
    }
}
