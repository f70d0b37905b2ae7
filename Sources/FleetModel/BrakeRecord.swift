/// What the leader remembers of lost machines, so that a new leader comes to the same answer. Stored at `brake` while a
/// machine is lost that has units or is known.
package struct BrakeRecord: Hashable, Sendable, Codable {
    /// Machines that are lost, and when a leader saw that first.
    package var lost: [MachineID: Timestamp]
    /// Since when nothing is moved off them; nil while their units are moved as usual.
    package var since: Timestamp?
    /// Machines whose units an operator lets move all the same, sorted.
    package var released: [MachineID]
    /// When a machine came back last while the brake was on: others may follow it.
    package var returned: Timestamp?

    package init(
        lost: [MachineID: Timestamp] = [:],
        since: Timestamp? = nil,
        released: [MachineID] = [],
        returned: Timestamp? = nil
    ) {
        self.lost = lost
        self.since = since
        self.released = released
        self.returned = returned
    }

    package var isEmpty: Bool { lost.isEmpty && since == nil && released.isEmpty }

    /// Lost machines that nobody has released, by id.
    package var unreleased: [MachineID] { lost.keys.filter { !released.contains($0) }.sorted() }

    /// Losses count together within this time.
    package static let window = Duration.seconds(60)

    /// Whether units stay assigned to this machine although it is lost. One that was lost long before the brake took
    /// hold has nothing to do with it.
    package func holds(_ machine: MachineID) -> Bool {
        guard let since, let at = lost[machine], !released.contains(machine) else { return false }
        return since.since(at) < Self.window
    }
}
