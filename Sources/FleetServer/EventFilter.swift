import FleetAPI
import FleetModel
import UnitFile

/// Which events somebody wants to hear of: those of units that match a pattern, by their names or by those of their
/// Quadlet files.
struct EventFilter: Sendable {
    /// Empty: everything.
    private let patterns: [UnitPattern]
    private let hasFiles: Bool
    /// What units that are gone came from, as far as it was seen.
    private var sources: [UnitName: QuadletName] = [:]

    init(_ patterns: [String], in snapshot: Snapshot) throws(APIError) {
        var units: [UnitPattern] = []
        for pattern in patterns {
            do throws(PatternError) {
                units.append(try UnitPattern(validating: pattern))
            } catch {
                throw APIError(400, "unit: \(error)")
            }
        }
        self.patterns = units
        hasFiles = patterns.contains { QuadletKind(ofFile: $0) != nil }
        guard hasFiles else { return }
        for (source, units) in snapshot.unitsBySource { for unit in units { sources[unit] = source } }
    }

    /// Takes over what is stored of these units now.
    mutating func learn(of events: [FleetEvent], in snapshot: Snapshot) {
        guard hasFiles else { return }
        for case .unit(let event) in events {
            if let source = snapshot.units[event.unit]?.intent.source { sources[event.unit] = source }
        }
    }

    func accepts(_ unit: UnitName) -> Bool {
        patterns.isEmpty || matches(unit.description) || hasFiles && files(of: unit).contains(where: matches)
    }

    func accepts(_ event: FleetEvent) -> Bool {
        switch event {
        case .unit(let event): accepts(event.unit)
        case .machine: patterns.isEmpty
        }
    }

    private func matches(_ name: String) -> Bool { patterns.contains { $0.matches(name) } }

    /// The file that the unit is or was made of; where that is not known, all that would have this name.
    private func files(of unit: UnitName) -> [String] {
        if let source = sources[unit] { return [source.description] }
        guard unit.type == .service else { return [] }
        return QuadletKind.allCases.compactMap { kind in
            let end = kind.serviceSuffix + ".service"
            guard unit.description.hasSuffix(end) else { return nil }
            return "\(unit.description.dropLast(end.utf8.count)).\(kind.rawValue)"
        }
    }
}
