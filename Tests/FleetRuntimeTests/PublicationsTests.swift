import FleetModel
import FleetRegistry
import FleetRuntime
import Testing
import UnitFile

@Suite struct PublicationsTests {
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
