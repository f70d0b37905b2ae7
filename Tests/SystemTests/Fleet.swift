import Lab

/// A machine with fleet on it, as an operator with a root shell sees it.
struct Fleet: Sendable {
    /// What `list-units` says of a unit on the machine.
    struct State: Hashable, CustomStringConvertible {
        var active: String
        var sub: String

        var description: String { "\(active) (\(sub))" }

        static let running = State(active: "active", sub: "running")
        static let dead = State(active: "inactive", sub: "dead")
    }

    let machine: Machine

    /// Time for what takes a second on an idle host.
    static let patience = Duration.seconds(30)

    // MARK: Packages

    /// Installs the built packages and waits until fleetctl is answered.
    func install() async throws {
        try await machine.install(DebPackage.built())
        try await waitUntilReady()
    }

    /// Waits until fleetd answers, and knows of as many machines as there are.
    func waitUntilReady(machines count: Int = 1) async throws {
        try await machine.eventually("fleetd answers", within: Fleet.patience) {
            let list = try await ctl(["list-machines", "--no-legend"])
            let present = list.lines.filter { !$0.contains("lost") }
            guard list.succeeded, present.count == count else { throw NotYet("\(list)") }
        }
    }

    /// The id that the registry knows the machine by; readable also when the machine is off.
    func machineID() throws -> String { try machine.id() }

    // MARK: fleetctl

    func ctl(_ arguments: [String], limit: Duration = .seconds(60)) async throws -> CommandResult {
        try await machine.run(["fleetctl"] + arguments, limit: limit)
    }

    /// Writes unit files into one folder of the machine and returns their paths.
    @discardableResult
    func write(_ units: [(name: String, text: String)]) async throws -> [String] {
        var paths: [String] = []
        for unit in units {
            let path = "/root/units/\(unit.name)"
            try await machine.write(unit.text, to: path)
            paths.append(path)
        }
        return paths
    }

    /// Writes one unit file and starts it; an error unless fleetctl says it is active.
    func start(_ name: String, _ text: String) async throws {
        let paths = try await write([(name, text)])
        try await ctl(["start"] + paths).checked()
    }

    /// Every unit `list-units` has, with its state on this machine.
    func states() async throws -> [String: State] {
        let list = try await ctl(["list-units", "--no-legend", "--full", "--fields", "unit,active,sub"]).checked()
        var states: [String: State] = [:]
        for line in list.lines {
            let cells = line.split(whereSeparator: \.isWhitespace).map(String.init)
            guard cells.count == 3 else { throw LabError("list-units printed \"\(line)\"") }
            states[cells[0]] = State(active: cells[1], sub: cells[2])
        }
        return states
    }

    /// Waits until `list-units` shows a unit in a state; nil means not at all.
    func expect(_ unit: String, _ wanted: State?, within limit: Duration = patience) async throws {
        try await expect([unit], wanted, within: limit)
    }

    func expect(_ units: [String], _ wanted: State?, within limit: Duration = patience) async throws {
        let what = "\(units.count == 1 ? units[0] : "\(units.count) units") \(wanted.map { "\($0)" } ?? "gone")"
        try await machine.eventually(what, within: limit) {
            let states = try await states()
            let wrong = units.filter { states[$0] != wanted }
            if let first = wrong.first {
                let state = states[first].map { "\($0)" } ?? "not listed"
                throw NotYet("\(wrong.count) of \(units.count) not so; \(first) is \(state)")
            }
        }
    }

    /// Waits until `why` says something about a unit.
    @discardableResult
    func expectWhy(_ unit: String, says text: String, within limit: Duration = patience) async throws -> String {
        try await machine.eventually("why \(unit) says \"\(text)\"", within: limit) {
            let why = try await ctl(["why", unit]).checked().standardOutput
            guard why.contains(text) else { throw NotYet(why) }
            return why
        }
    }

    /// Destroys units and waits until systemd has forgotten them.
    func destroy(_ units: String...) async throws {
        try await ctl(["destroy"] + units).checked()
        for unit in units {
            try await machine.eventually("\(unit) is forgotten", within: Fleet.patience) {
                let load = try await property("LoadState", of: unit)
                guard load == "not-found" else { throw NotYet("LoadState=\(load)") }
            }
        }
    }

    // MARK: systemd

    /// One property of a unit, as systemd says it.
    func property(_ name: String, of unit: String) async throws -> String {
        let show = try await machine.run(["systemctl", "show", "--property=\(name)", "--value", unit]).checked()
        return show.standardOutput.split(separator: "\n").first.map(String.init) ?? ""
    }

    /// The main processes of all loaded units that match a pattern; units without one are left out.
    func mainProcesses(_ pattern: String) async throws -> [String: Int] {
        try await machine.mainProcesses([pattern])
    }

    func mainProcess(of unit: String) async throws -> Int { try await mainProcesses(unit)[unit] ?? 0 }

    /// How often PID 1 has reloaded everything in this boot.
    func reloads() async throws -> Int {
        let lines = try await machine.run([
            "journalctl", "--boot", "_PID=1", "--grep=Reloading", "--output=cat", "--no-pager",
        ])
        return lines.lines.count
    }
}

/// Unit files that tests use again and again.
enum UnitText {
    static func service(_ command: String, service: String = "", unit: String = "", fleet: String = "") -> String {
        var text = "[Unit]\nDescription=A test's unit\n\(unit)\n[Service]\nExecStart=\(command)\n\(service)\n"
        if !fleet.isEmpty { text += "\n[X-Fleet]\n\(fleet)\n" }
        return text
    }

    /// Runs until it is stopped.
    static let sleeper = service("/bin/sleep infinity")
}
