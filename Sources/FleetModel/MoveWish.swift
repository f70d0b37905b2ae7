/// A user's wish that a unit be on another machine. Stored at `moves/UNIT` until the engine has fulfilled it, or has
/// found that it cannot: it is a wish for one move and no constraint, so nothing holds the unit there afterwards.
package struct MoveWish: Hashable, Sendable, Codable {
    package var to: MachineID
    /// The unit goes without the data of its volumes. Absent for no.
    package var losesVolumes: Bool?
    package var set: Provenance

    package init(to: MachineID, losesVolumes: Bool? = nil, set: Provenance) {
        self.to = to
        self.losesVolumes = losesVolumes
        self.set = set
    }
}
