package import FleetModel

/// Gives out the ids of the events that one machine writes. Its counter keeps events of the same millisecond apart.
package struct EventIDs: Hashable, Sendable {
    package let writer: MachineID
    private var counter: Int

    package init(writer: MachineID, counter: Int = 0) {
        self.writer = writer
        self.counter = counter
    }

    package mutating func next(at time: Timestamp) -> EventID {
        counter += 1
        return EventID.make(at: time, writer: writer, counter: counter)
    }
}
