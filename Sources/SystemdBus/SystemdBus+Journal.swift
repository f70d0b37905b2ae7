import FleetModel
package import UnitFile

extension SystemdBus {
    /// See `UnitManager`. Runs outside of the bus thread. With an invocation it is taken to have failed: its last words
    /// are waited for.
    package nonisolated func journal(of unit: UnitName, invocation: String, lines: Int) async -> [String] {
        let entries =
            invocation.isEmpty
            ? await journalSource.last(lines, of: unit)
            : await journalSource.lastWords(lines, of: unit, invocation: invocation)
        return entries.map { $0.line(bytes: Limits.journalLineBytes) }
    }
}
