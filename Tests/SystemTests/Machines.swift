import Lab

/// Several machines with fleet on them and one registry in etcd, as the operator of all of them sees it.
struct Machines: Sendable {
    let all: [Fleet]
    let etcd: Etcd

    /// How long a machine that is gone keeps its units: `agent_ttl`'s default.
    static let machineLease = Duration.seconds(10)
    /// How long a leader that is gone keeps its place.
    static let leadershipLease = Duration.seconds(5)
    /// etcd looks for leases that have ended every half second, and says so in a write of its own; the rest of this
    /// second is for the engine and for systemd, on a host with other work.
    static let leaseMargin = Duration.seconds(2)
    /// When etcd's own leader is lost too: an election (1 to 2 s with etcd's defaults), and the new leader starts all
    /// leases again, longer by an election.
    static let etcdElection = Duration.seconds(4)

    var names: [String] { all.map(\.machine.name) }

    subscript(name: String) -> Fleet {
        get throws {
            guard let fleet = all.first(where: { $0.machine.name == name }) else {
                throw LabError("there is no machine \(name)")
            }
            return fleet
        }
    }

    /// All but one, in their order.
    func others(than fleet: Fleet) -> [Fleet] { all.filter { $0.machine.name != fleet.machine.name } }

    /// Polls with every machine's journal in the error.
    func eventually<Value>(
        _ what: String,
        within limit: Duration = Fleet.patience,
        poll interval: Duration = .milliseconds(100),
        _ check: () async throws -> Value
    ) async throws -> Value {
        guard let first = all.first else { throw LabError("no machines") }
        return try await first.machine.eventually(what, within: limit, poll: interval, check)
    }

    // MARK: Set-up

    static func boot(
        _ names: [String],
        members: Int,
        with packages: [String] = [],
        keepsContainers: Bool = false,
        configuration: String,
        in lab: Lab
    ) async throws -> Machines {
        let machines = try await lab.boot(names, with: packages, keepsContainers: keepsContainers)
        let etcd = Etcd(members: Array(machines.prefix(members)))
        try await etcd.start()
        try await concurrently(machines) { machine in
            try await machine.write(etcd.settings + configuration, to: "/etc/fleet/fleet.conf")
            try await machine.install(DebPackage.built())
        }
        let fleets = Machines(all: machines.map(Fleet.init(machine:)), etcd: etcd)
        try await fleets.waitUntilComplete()
        return fleets
    }

    /// Every fleetd that runs lists every machine, and somebody leads.
    func waitUntilComplete() async throws {
        for fleet in all { try await fleet.waitUntilReady(machines: all.count) }
        _ = try await leader()
    }

    /// Waits until every fleetd takes changes again after an outage: the request changes nothing about a unit that has
    /// not failed, and is refused while the registry is read-only. fleetd tries again after 5 s at most, and a request
    /// to the registry takes as long at most.
    func expectWritable(_ unit: String) async throws {
        for fleet in all {
            _ = try await fleet.machine.eventually("changes are taken again", within: .seconds(15)) {
                try await fleet.ctl(["reset-failed", unit], limit: .seconds(30)).checked()
            }
        }
    }

    // MARK: Who leads

    /// The machine whose fleetd leads, by the registry.
    func leader(within limit: Duration = Fleet.patience) async throws -> Fleet {
        try await eventually("a fleetd leads", within: limit) {
            guard let id = try await leaderID() else { throw NotYet("no leader") }
            for fleet in all where try fleet.machineID() == id { return fleet }
            throw NotYet("machine \(id), which is not one of ours, leads")
        }
    }

    /// Waits for a leader that is another one.
    @discardableResult
    func newLeader(after old: Fleet, within limit: Duration) async throws -> Fleet {
        let oldID = try old.machineID()
        return try await eventually("another fleetd than \(old.machine.name)'s leads", within: limit) {
            guard let id = try await leaderID(), id != oldID else { throw NotYet("the old one") }
            for fleet in all where try fleet.machineID() == id { return fleet }
            throw NotYet("machine \(id), which is not one of ours, leads")
        }
    }

    /// What the registry says of the leadership, which is never the same of two; nil while nobody leads.
    func leaderRecord() async throws -> String? { try await etcd.value("/fleet/leader") }

    private func leaderID() async throws -> String? {
        guard let record = try await leaderRecord() else { return nil }
        // {"machine":"0123...","since":...}
        let parts = record.split(separator: "\"")
        guard let index = parts.firstIndex(of: "machine"), index + 2 < parts.count else {
            throw LabError("/fleet/leader is \(record)")
        }
        return String(parts[index + 2])
    }

    /// Makes a machine lead: the leader stops in good order until it has led somewhere else.
    func makeLeader(_ wanted: Fleet) async throws {
        for _ in 0..<20 {
            let now = try await leader()
            guard now.machine.name != wanted.machine.name else { return }
            try await now.machine.shell("systemctl stop fleetd.service fleetd.socket")
            try await newLeader(after: now, within: Fleet.patience)
            try await now.machine.shell("systemctl start fleetd.socket fleetd.service")
            try await now.waitUntilReady(machines: all.count)
        }
        throw LabError("\(wanted.machine.name) never came to lead")
    }

    // MARK: What runs where

    /// The main processes of units that match a pattern, on every machine that runs: systemd's truth, not fleet's.
    func processes(_ pattern: String, on fleets: [Fleet]? = nil) async throws -> [String: [String: Int]] {
        var processes: [String: [String: Int]] = [:]
        let running = (fleets ?? all).filter(\.machine.isRunning)
        let found = try await concurrently(running) { try await $0.mainProcesses(pattern) }
        for (fleet, found) in zip(running, found) { processes[fleet.machine.name] = found }
        return processes
    }

    /// The machine on which a unit has a process; an error when there are none or two.
    func place(of unit: String) async throws -> Fleet {
        let places = try await processes(unit).filter { $0.value[unit] != nil }.map(\.key)
        guard places.count == 1, let name = places.first else { throw NotYet("\(unit) runs on \(places.sorted())") }
        return try self[name]
    }

    /// Waits until each of the units has a process on exactly one of the machines (all by default), and none on
    /// another one that runs.
    @discardableResult
    func expectOneEach(
        _ units: [String],
        _ pattern: String,
        on allowed: [Fleet]? = nil,
        within limit: Duration = Fleet.patience
    ) async throws -> [String: [String: Int]] {
        let permitted = Set((allowed ?? all).map(\.machine.name))
        return try await eventually("\(units.count) units run once each on \(permitted.sorted())", within: limit) {
            let processes = try await processes(pattern)
            for unit in units {
                let places = processes.filter { $0.value[unit] != nil }.map(\.key).sorted()
                guard places.count == 1, permitted.contains(places[0]) else { throw NotYet("\(unit) is on \(places)") }
            }
            return processes
        }
    }

    /// Starts `count` instances of a sleeping template on the machines that fleet chooses.
    func startCrew(_ template: String, _ count: Int, _ text: String = UnitText.sleeper) async throws -> [String] {
        guard let first = all.first else { throw LabError("no machines") }
        let names = (1...count).map { "\(template)@\($0).service" }
        let paths = try await first.write([("\(template)@.service", text)])
        try await first.ctl(["submit"] + paths).checked()
        try await first.ctl(["start"] + names, limit: .seconds(180)).checked()
        try await expectOneEach(names, "\(template)@*.service")
        return names
    }

    /// Destroys units and waits until no machine that runs has a process of theirs.
    func destroy(_ units: [String], _ pattern: String) async throws {
        guard let first = all.first(where: \.machine.isRunning) else { throw LabError("no machines") }
        try await first.ctl(["destroy"] + units, limit: .seconds(180)).checked()
        try await eventually("no process of \(pattern)") {
            let left = try await processes(pattern).filter { !$0.value.isEmpty }
            if !left.isEmpty { throw NotYet("\(left)") }
        }
    }
}
