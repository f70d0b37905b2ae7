package import FleetAPI
package import FleetModel
package import FleetUseCases
package import UnitFile

/// What the API's routes may ask of the running fleetd. `FleetRuntime` implements it over the folded snapshot and the
/// store; tests of the server implement it over a fixed snapshot.
package protocol FleetControl: CredentialControl {
    /// The newest folded snapshot. Waits for the first reading of the registry; throws 503 with the reason when that
    /// has failed and none has succeeded since.
    func snapshot() async throws(APIError) -> Snapshot

    /// An element after every change that was folded in, the newest only: a consumer that is late reads the snapshot
    /// once.
    func changes() -> AsyncStream<Revision>

    /// Runs a use case on the newest snapshot and commits what it returns, again from a fresh snapshot after a
    /// conflict. Returns after the change is durable *and* folded into `snapshot()`.
    func perform(_ change: Change, by user: String) async throws(APIError) -> ChangeOutcome

    /// The text of a stored unit file.
    func text(of file: ContentHash) async throws(APIError) -> String

    /// The stored events of a unit, oldest first.
    func events(of unit: UnitName) async throws(APIError) -> [UnitEvent]

    /// Events of units and of machines from now on. Ends when the reader falls far behind, and with fleetd.
    func newEvents() async -> AsyncStream<[FleetEvent]>

    /// All that is durable in the registry.
    func exportRegistry() async throws(APIError) -> RegistryExport

    /// One step of an import.
    func importRegistry(_ request: ImportRequest) async throws(APIError)

    /// The unit's lines in this machine's journal: the last `lines`, then new ones as they come if `follow`.
    func journal(of unit: UnitName, lines: Int, follow: Bool) -> AsyncThrowingStream<JournalLine, any Error>

    /// Why the local systemd cannot be reached; nil while it can.
    func systemdProblem() async -> String?

    /// This machine's time.
    var now: Timestamp { get }
    /// This machine.
    var machine: MachineID { get }
    /// Version of fleetd, as `fleetctl version` prints it.
    var version: String { get }
}
