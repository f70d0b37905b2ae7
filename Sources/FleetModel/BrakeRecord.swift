/// What the leader remembers of lost machines, so that a new leader comes to the same answer. Stored at `brake` while a
/// machine that has units is lost.
package struct BrakeRecord: Hashable, Sendable, Codable {
    /// Machines that are lost, and when a leader saw that first.
    package var lost: [MachineID: Timestamp]
    /// Since when nothing is moved off them; nil while their units are moved as usual.
    package var since: Timestamp?
    /// Machines whose units an operator lets move all the same, sorted.
    package var released: [MachineID]

    package init(lost: [MachineID: Timestamp] = [:], since: Timestamp? = nil, released: [MachineID] = []) {
        self.lost = lost
        self.since = since
        self.released = released
    }

    package var isEmpty: Bool { lost.isEmpty && since == nil && released.isEmpty }

    /// Lost machines that nobody has released, by id.
    package var unreleased: [MachineID] { lost.keys.filter { !released.contains($0) }.sorted() }

    /// Whether units stay assigned to this machine although it is lost.
    package func holds(_ machine: MachineID) -> Bool {
        since != nil && lost[machine] != nil && !released.contains(machine)
    }
}
