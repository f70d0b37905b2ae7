import Lab

/// Carries out the faults of a plan, each as soon as its time has come and what it needs is free.
struct Storm: Sendable {
    let site: Site
    let log: StormLog
    private let claims = Claims()

    init(site: Site, log: StormLog) {
        self.site = site
        self.log = log
    }

    func run(_ plan: [Fault], during: @escaping @Sendable (Fault) async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for fault in plan {
                // Not a wait: the plan's own time.
                try await ContinuousClock().sleep(for: fault.gap)
                let claims = claims
                // The longest fault, and its recovery.
                try await eventually("\(fault) can happen", within: .seconds(200), poll: .milliseconds(50)) {
                    guard await claims.take(fault.resources) else { throw NotYet("what it needs is not free") }
                }
                group.addTask {
                    await carryOut(fault)
                    await claims.giveBack(fault.resources)
                }
                try await during(fault)
            }
            try await group.waitForAll()
        }
    }

    /// A fault that cannot be carried out is none: what it left behind is mended at the end, and the checks say the
    /// rest.
    private func carryOut(_ fault: Fault) async {
        await log.note("fault\t\(fault)", isNews: true)
        do {
            let what = try await strike(fault)
            await log.note("over\t\(fault.number)\t\(what)")
        } catch {
            let text = "\(error)".split(whereSeparator: \.isNewline).first ?? ""
            await log.note("missed\t\(fault.number)\t\(text)", isNews: true)
        }
    }

    // MARK: Kinds

    private func strike(_ fault: Fault) async throws -> String {
        let machine = site.machine(fault.machine)
        let hasMember = fault.machine < FaultPlan.members
        switch fault.kind {
        case .fleetdKilled: try await signal("KILL", machine)
        case .fleetdPaused:
            try await signal("STOP", machine)
            try await last(fault)
            try await signal("CONT", machine)
        case .fleetdRestarted: try await machine.shell("systemctl restart fleetd.service")
        case .powerCut, .mostLost:
            let machines = fault.machines.map(site.machine)
            try await concurrently(machines) { try await $0.powerCut() }
            try await last(fault)
            try await concurrently(machines) { try await $0.bootAgain() }
        case .reboot: try await machine.reboot()
        case .cableUnplugged, .cableSilent:
            try await machine.cutCable(fault.kind == .cableSilent ? .silent : .unplugged)
            try await last(fault)
            try await machine.mendCable()
        case .memberKilled: try await site.etcd.kill(machine)
        case .memberPaused:
            try await site.etcd.pause(machine)
            try await last(fault)
            try await site.etcd.unpause(machine)
        case .memberRestarted: try await machine.shell("systemctl restart etcd.service")
        case .quorumLost:
            let members = site.etcd.members.filter { $0.name != machine.name }
            try await concurrently(members) { try await site.etcd.pause($0) }
            try await last(fault)
            try await concurrently(members) { try await site.etcd.unpause($0) }
            for member in members { try await site.waitUntilHealthy(member) }
        case .unitKilled: return try await killUnit(fault)
        case .unitFails: return try await failUnit(fault)
        }
        if hasMember, fault.resources.contains(.quorum) { try await site.waitUntilHealthy(machine) }
        return fault.kind.rawValue
    }

    private func last(_ fault: Fault) async throws {
        // Not a wait: how long the fault lasts.
        try await ContinuousClock().sleep(for: fault.length)
    }

    private func signal(_ name: String, _ machine: Machine) async throws {
        try await machine.shell("systemctl kill --kill-whom=main --signal=\(name) fleetd.service")
    }

    private func killUnit(_ fault: Fault) async throws -> String {
        // Any machine will do when this one is off or has nothing.
        for offset in 0..<site.machines.count {
            let machine = site.machine((fault.machine + offset) % site.machines.count)
            guard machine.isRunning else { continue }
            let units = try await machine.mainProcesses(Workload.patterns).sorted { $0.key < $1.key }
            guard !units.isEmpty else { continue }
            let (unit, process) = units[fault.unit % units.count]
            try await machine.shell("kill -9 \(process)")
            return "killed \(unit) on \(machine.name)"
        }
        return "nothing to kill"
    }

    private func failUnit(_ fault: Fault) async throws -> String {
        let machine = site.machine(fault.machine)
        let units = Workload.units.filter { $0.kind != .atMostOnce }
        let unit = units[fault.unit % units.count].name
        try await machine.shell("mkdir -p \(Workload.bad); touch \(Workload.bad)/\(unit)")
        if let process = try await machine.mainProcesses([unit])[unit] { try await machine.shell("kill -9 \(process)") }
        try await last(fault)
        try await machine.shell("rm -f \(Workload.bad)/\(unit)")
        return "\(unit) failed on \(machine.name)"
    }

    // MARK: The end

    /// Mends everything, whatever state it is in.
    func heal() async throws {
        try await concurrently(site.machines) { machine in
            if !machine.isRunning { try await machine.bootAgain() }
            try await machine.mendCable()
            try await machine.shell(
                """
                rm -rf \(Workload.bad)
                systemctl kill --kill-whom=main --signal=CONT fleetd.service || true
                systemctl kill --signal=CONT etcd.service 2>/dev/null || true
                systemctl start fleetd.socket fleetd.service
                """
            )
        }
        for member in site.etcd.members {
            try await member.shell("systemctl start etcd.service")
            try await site.waitUntilHealthy(member)
        }
    }
}

/// Who has what.
private actor Claims {
    private var taken: Set<Fault.Resource> = []

    func take(_ resources: Set<Fault.Resource>) -> Bool {
        guard taken.isDisjoint(with: resources) else { return false }
        taken.formUnion(resources)
        return true
    }

    func giveBack(_ resources: Set<Fault.Resource>) { taken.subtract(resources) }
}
