import FoundationEssentials
import Lab

/// Five machines with fleet, three of them with a member of etcd.
struct Site: Sendable {
    let machines: [Machine]
    let etcd: Etcd

    /// Time for a fleetd that answers; one that is paused does so after 15 s at most.
    static let patience = 40

    func machine(_ index: Int) -> Machine { machines[index] }

    static func build(in lab: Lab) async throws -> Site {
        let machines = try await lab.boot((1...FaultPlan.machines).map { "m\($0)" })
        let etcd = Etcd(members: Array(machines.prefix(FaultPlan.members)))
        try await etcd.start()
        try await concurrently(machines) { machine in
            let metadata = Workload.ssd.contains(machine.name) ? "metadata=\"disk=ssd\"\n" : ""
            try await machine.write(etcd.settings + metadata, to: "/etc/fleet/fleet.conf")
            for (name, text) in Workload.files { try await machine.write(text, to: "\(Workload.folder)/\(name)") }
            try await machine.install(DebPackage.built())
        }
        let site = Site(machines: machines, etcd: etcd)
        try await site.waitUntilComplete(within: .seconds(60))
        return site
    }

    /// Every fleetd lists every machine as ready.
    func waitUntilComplete(within limit: Duration) async throws {
        for machine in machines {
            try await eventually("fleetd on \(machine.name) lists all machines as ready", within: limit) {
                let list = try await control(["list-machines", "--no-legend", "--fields", "state"], on: machine)
                guard list.succeeded, list.lines.filter({ $0.contains("ready") }).count == machines.count else {
                    throw NotYet("\(list)")
                }
            }
        }
    }

    func control(_ arguments: [String], on machine: Machine) async throws -> CommandResult {
        try await machine.run(["fleetctl"] + arguments, limit: .seconds(Site.patience))
    }

    func listing(on machine: Machine) async throws -> [ListedUnit] {
        let text = try await control(["list-units", "--json"], on: machine).checked().standardOutput
        return try JSONDecoder().decode(UnitDocument.self, from: Data(text.utf8)).units
    }

    /// What `etcdctl endpoint health` says of a member.
    func waitUntilHealthy(_ member: Machine) async throws {
        try await eventually("the member on \(member.name) is healthy", within: .seconds(40)) {
            _ = try await etcd.control(["endpoint", "health"], on: member, patience: .seconds(8))
        }
    }

    /// etcd's revision: it grows with every write.
    func revision() async throws -> Int {
        let text = try await etcd.control(["get", "/fleet/leader", "--write-out=json"]).standardOutput
        return try JSONDecoder().decode(RevisionDocument.self, from: Data(text.utf8)).header.revision
    }
}

/// A line of `list-units --json`: what a program that reads it finds in docs/fleetctl.md.
struct ListedUnit: Decodable, Hashable, Sendable {
    struct MachineName: Decodable, Hashable, Sendable { var id: String }
    struct Status: Decodable, Hashable, Sendable {
        var active: String
        var sub: String
        var mainPID: Int?
    }
    struct State: Decodable, Hashable, Sendable {
        var machine: MachineName
        var status: Status
    }

    var name: String
    var target: String
    var assigned: [MachineName]
    var states: [State]
    var blocked: String?
    var reschedule: String?

    var isGivenUp: Bool { [blocked, reschedule].contains { $0?.contains("given up") == true } }

    /// What all machines have to say alike; waits and reasons have times in them that pass.
    var essence: String {
        let places = states.map { "\($0.machine.id.prefix(8)) \($0.status.active) \($0.status.mainPID ?? 0)" }
        return "\(name) \(target) on \(assigned.map(\.id).sorted()): \(places.sorted())"
    }
}

private struct UnitDocument: Decodable {
    var units: [ListedUnit]
}

private struct RevisionDocument: Decodable {
    struct Header: Decodable { var revision: Int }

    var header: Header
}
