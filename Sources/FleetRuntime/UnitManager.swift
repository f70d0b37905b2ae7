package import FleetAgent
package import FleetModel
package import UnitFile

/// Port: the local systemd. `SystemdBus` is the real one.
package protocol UnitManager: Sendable {
    /// What systemd reports, in order; starts with `connected`. One consumer.
    var events: AsyncStream<UnitManagerEvent> { get }

    /// Performs `operation` and returns when systemd has finished it. Before that, `events` has carried, in this order,
    /// an observation of each of its units that was read after the end, and `finished` with a result for each. One
    /// stream for both, because a result that overtakes what it led to looks like a unit that stopped by itself.
    /// `texts` holds the text of every file an `install` names. Operations for different units may run at once.
    func perform(_ id: OperationID, _ operation: UnitOperation, texts: [ContentHash: String]) async

    /// The last `lines` journal lines of one invocation of a unit (of the whole unit when `invocation` is empty),
    /// oldest first.
    func journal(of unit: UnitName, invocation: String, lines: Int) async -> [String]

    /// From now on an observation of this unit at rest says which of `volumes` hold data. Empty: nothing is said of
    /// any. Known before an operation on the unit begins that is asked for next.
    func keepAnEye(on volumes: [VolumeName], of unit: UnitName)

    /// The volumes that the machine has: all of podman's that have a name, and those of `states` that exist. May take
    /// long; touches no unit.
    func inventory(with states: [VolumeName]) async -> FoundVolumes
}

/// Of a systemd without volumes.
extension UnitManager {
    package func keepAnEye(on volumes: [VolumeName], of unit: UnitName) {}
    package func inventory(with states: [VolumeName]) async -> FoundVolumes { FoundVolumes() }
}

package enum UnitManagerEvent: Hashable, Sendable {
    /// Every unit of ours that is installed, as systemd has it now.
    case connected([UnitName: UnitObservation])
    case disconnected(String)
    case observed(UnitName, UnitObservation?)
    case unitFilesChanged
    /// The operation of this id has ended. After `disconnected` it comes as `unknown`, or not at all.
    case finished(OperationID, [UnitName: OperationResult])
}
