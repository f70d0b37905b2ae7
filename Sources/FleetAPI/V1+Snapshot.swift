package import FleetModel
package import UnitFile

/// What `/fleet/v1` shows of a snapshot.
extension V1 {
    /// Present machines, in the order of their ids.
    package static func machines(in snapshot: Snapshot, page: PageToken) -> MachinePage {
        let (machines, next) = page.cut(snapshot.presentMachines)
        return MachinePage(machines: machines.map(Machine.init), nextPageToken: next)
    }

    /// The names of one page of units, for which the caller has to find the texts.
    package static func unitNames(in snapshot: Snapshot, page: PageToken) -> (names: [UnitName], next: String?) {
        let (names, next) = page.cut(snapshot.units.keys.sorted())
        return (names, next)
    }

    /// nil when the unit is not stored.
    package static func unit(_ name: UnitName, options: [UnitOption], in snapshot: Snapshot) -> Unit? {
        guard let unit = snapshot.units[name] else { return nil }
        let machine = unit.options.isGlobal ? nil : snapshot.assignments[name]?.keys.min()
        return Unit(
            name: name.description,
            source: unit.intent.source?.description,
            options: options,
            desiredState: unit.target.state.rawValue,
            currentState: unit.options.isGlobal ? nil : snapshot.currentState(of: name, on: machine).rawValue,
            machineID: machine?.description
        )
    }

    /// Every reported state, by unit and machine. The filters compare whole names.
    package static func states(
        in snapshot: Snapshot,
        unit: String? = nil,
        machine: String? = nil,
        page: PageToken
    ) -> StatePage {
        var rows: [(UnitName, MachineID, UnitStatus)] = []
        for (name, statuses) in snapshot.statuses where unit.map({ $0 == name.description }) ?? true {
            for (id, status) in statuses where machine.map({ $0 == id.description }) ?? true {
                rows.append((name, id, status))
            }
        }
        rows.sort { ($0.0, $0.1) < ($1.0, $1.1) }
        let (cut, next) = page.cut(rows)
        return StatePage(states: cut.map(UnitState.init), nextPageToken: next)
    }

    /// The state of the first machine that reports one; nil when none does.
    package static func state(of unit: UnitName, in snapshot: Snapshot) -> UnitState? {
        let first = snapshot.statuses[unit]?.min { $0.key < $1.key }
        return first.map { UnitState(name: unit, machine: $0.key, status: $0.value) }
    }

    /// A unit file's assignments in their order, as API v1 has them. An option's section is the name of its header;
    /// comments have no place in this form.
    package static func options(of file: ParsedUnitFile) -> [UnitOption] {
        file.sections.flatMap { section in
            section.options.map { UnitOption(section: section.name, name: $0.key, value: $0.value) }
        }
    }

    /// The unit file that a list of options stands for, in fleet's rendering: sections in the order of their first
    /// option, a blank line between them. Throws 400 for an option that would not come back as it is.
    package static func text(of options: [UnitOption]) throws(APIError) -> String {
        var sections: [String] = []
        var lines: [String: [String]] = [:]
        for option in options {
            try check(option)
            if lines[option.section] == nil { sections.append(option.section) }
            lines[option.section, default: []].append("\(option.name)=\(option.value)\n")
        }
        return sections.map { "[\($0)]\n" + (lines[$0] ?? []).joined() }.joined(separator: "\n")
    }

    /// A line break in a name or a section would smuggle in other options. In a value it is only what comes after a
    /// backslash: a continuation line.
    private static func check(_ option: UnitOption) throws(APIError) {
        let scalars = option.section.unicodeScalars
        guard !scalars.isEmpty, !scalars.contains(where: { $0 == "]" || $0 == "[" || $0.value < 32 }) else {
            throw APIError(400, "options: invalid section \"\(option.section.printable())\"")
        }
        let isName = option.name.utf8.allSatisfy { $0 > 32 && $0 != UInt8(ascii: "=") && $0 != 127 }
        guard !option.name.isEmpty, isName, !option.name.hasPrefix("["), !option.name.hasPrefix("#"),
            !option.name.hasPrefix(";")
        else { throw APIError(400, "options: invalid name \"\(option.name.printable())\"") }
        var previous: UInt8 = 0
        for byte in option.value.utf8 {
            guard byte != 0, byte != 13, byte != 10 || previous == UInt8(ascii: "\\") else {
                throw APIError(400, "options: the value of \(option.name) has a line break or a NUL in it")
            }
            previous = byte
        }
        guard previous != UInt8(ascii: "\\") else {
            throw APIError(
                400,
                "options: the value of \(option.name) ends in a backslash, which joins the next line to it"
            )
        }
    }
}

extension V1.Machine {
    fileprivate init(_ machine: Machine) {
        id = machine.id.description
        let address = machine.presence?.primaryIP ?? ""
        primaryIP = address.isEmpty ? nil : address
        metadata = machine.metadata.isEmpty ? nil : machine.metadata
    }
}

extension V1.UnitState {
    fileprivate init(name: UnitName, machine: MachineID, status: UnitStatus) {
        self.name = name.description
        hash = status.file?.description
        machineID = machine.description
        systemdLoadState = status.load
        systemdActiveState = status.active
        systemdSubState = status.sub
    }
}
