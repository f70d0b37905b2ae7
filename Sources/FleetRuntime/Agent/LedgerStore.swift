import FleetRegistry
import Logging
package import UnitFile

/// Port: small values by unit, kept over a restart of this process but not over a boot.
///
/// Synchronous: the real one is in memory (`/run` is a tmpfs) and takes microseconds, and what is decided next must not
/// happen before the ledger has it.
package protocol LedgerStore: Sendable {
    /// Everything that is kept.
    func values() throws -> [UnitName: [UInt8]]
    /// Keeps `value` or, for nil, forgets what was kept. Whole or not at all.
    func keep(_ value: [UInt8]?, of unit: UnitName) throws
}

/// Port: the same, kept over a boot. Asynchronous, because a disk may take its time, and fleetd has one thread for all
/// it does: the renewal of its lease must not wait for it.
package protocol DurableLedger: Sendable {
    /// Everything that is kept.
    func values() async throws -> [UnitName: [UInt8]]
    /// Keeps these values and forgets what is nil, each whole or not at all. All are tried; throws the first error.
    func keep(_ values: [UnitName: [UInt8]?]) async throws
}

/// The entries that can be read. The rest is told to `log`, where `what` is a unit's entry in the user's words.
func decoded<Value: Decodable>(_ values: [UnitName: [UInt8]], _ what: String, _ log: Logger) -> [UnitName: Value] {
    var entries: [UnitName: Value] = [:]
    for (unit, bytes) in values {
        do throws(RegistryValueError) {
            entries[unit] = try RegistryValue.decode(Value.self, from: bytes)
        } catch {
            log.error("\(what) of \(unit) \(error.message); taken as not there")
        }
    }
    return entries
}
