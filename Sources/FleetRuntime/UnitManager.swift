package import FleetAgent
package import UnitFile

/// Port: the local systemd. `SystemdBus` is the real one.
package protocol UnitManager: Sendable {
    /// What systemd reports, in order; starts with `connected`. One consumer.
    var events: AsyncStream<UnitManagerEvent> { get }

    /// Performs `operation` and returns when systemd has finished it, with a result for every unit it was for.
    /// `texts` holds the text of every file an `install` names. Operations for different units may run at once.
    func perform(
        _ operation: UnitOperation,
        texts: [ContentHash: String]
    ) async -> [UnitName: OperationResult]

    /// The last `lines` journal lines of one invocation of a unit (of the whole unit when `invocation` is empty),
    /// oldest first.
    func journal(of unit: UnitName, invocation: String, lines: Int) async -> [String]
}

package enum UnitManagerEvent: Hashable, Sendable {
    /// Every unit of ours that is installed, as systemd has it now.
    case connected([UnitName: UnitObservation])
    case disconnected(String)
    case observed(UnitName, UnitObservation?)
    case unitFilesChanged
}
