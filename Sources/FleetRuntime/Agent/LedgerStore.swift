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

extension LedgerStore {
    /// Everything that can be read. The rest is told to `log`, where `what` is a unit's entry in the user's words.
    func decoded<Value: Decodable>(_ what: String, _ log: Logger) throws -> [UnitName: Value] {
        var entries: [UnitName: Value] = [:]
        for (unit, bytes) in try values() {
            do throws(RegistryValueError) {
                entries[unit] = try RegistryValue.decode(Value.self, from: bytes)
            } catch {
                log.error("\(what) of \(unit) \(error.message); taken as not there")
            }
        }
        return entries
    }
}
