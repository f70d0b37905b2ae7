import UnitFile

/// Breaks things, one after the other, and mends them again a while later.
final class SimNemesis {
    private unowned let world: SimWorld
    private let machines: [SimMachine]
    private let store: SimStore
    private let users: SimUsers
    private var random: SimRandom
    private let kinds: [SimFault]
    private let weights: [Int]
    /// The one that is not mended in the end.
    private let dead: SimMachine?

    /// Nothing stays broken for longer.
    private static let longest = SimSpan.seconds(40)

    init(world: SimWorld, machines: [SimMachine], store: SimStore, users: SimUsers) {
        self.world = world
        self.machines = machines
        self.store = store
        self.users = users
        random = world.random(.nemesis)
        kinds = SimFault.allCases
        weights = kinds.map { world.options.faults[$0] ?? 0 }
        // Whoever is left has to have an engine, or nobody places anything.
        let mayDie = machines.filter { $0.index > 0 }
        dead = world.options.staysDead ? random.pick(mayDie) : nil
    }

    func start() {
        if world.options.foreignKeys { writeForeignKeys() }
        next()
    }

    private func next() {
        world.after(random.span(.milliseconds(50), world.options.faultPause * 2)) {
            guard self.world.phase == .faults else { return }
            self.strike()
            self.next()
        }
    }

    private func strike() {
        guard let kind = random.weighted(weights), let machine = random.pick(machines) else { return }
        let length = random.skewedSpan(.milliseconds(100), Self.longest)
        world.note { "fault: \(kinds[kind]) m\(machine.index) \(length)" }
        switch kinds[kind] {
        case .crash:
            machine.killFleetd()
            world.after(random.span(.milliseconds(100), .seconds(3))) { machine.startFleetd() }
        case .pause:
            machine.pause()
            world.after(length) { machine.resume() }
        case .cleanStop:
            machine.stopFleetd(rest: length)
        case .powerCut:
            machine.powerCut()
            world.after(length) { machine.boot() }
        case .linkCut:
            machine.cut()
            world.after(length) { machine.mend() }
        case .slowWatch: slow(machine, length)
        case .disconnect: machine.link.disconnect()
        case .outage: outage(length)
        case .hang: hang()
        case .site: siteCut()
        case .compaction: store.compact(to: store.revision)
        case .earlyLeaseEnd:
            machine.disturb()
            if let lease = machine.fleetd?.session.current, store.revoke(lease) {
                world.note { "lease \(lease) of m\(machine.index) ends before its time" }
            }
        case .clockStep:
            let most: SimSpan = random.chance(250) ? .seconds(7200) : .seconds(60)
            let step = random.span(most * -1, most)
            world.note { "m\(machine.index) clock steps by \(step)" }
            machine.clock.step(by: step)
        case .reexec: if !machine.process.isPaused { machine.fleetd?.agent.disconnect() }
        case .unitKilled: killUnit(machine)
        case .foreignUnit: addForeignUnit(machine, length)
        }
    }

    private func slow(_ machine: SimMachine, _ length: SimSpan) {
        machine.link.lag = random.span(.milliseconds(100), .seconds(6))
        machine.settleHealth()
        world.after(length) {
            machine.link.lag = .zero
            machine.settleHealth()
        }
    }

    private func outage(_ length: SimSpan) {
        guard store.isUp else { return }
        store.goDown()
        for machine in machines { machine.settleHealth() }
        world.after(length) { self.endOutage() }
    }

    private func endOutage() {
        guard !store.isUp else { return }
        store.comeUp()
        for machine in machines { machine.settleHealth() }
    }

    /// Around the time of a lease, which is when some end and others do not.
    private func hang() {
        guard store.isUp, !store.isHung else { return }
        store.hang()
        for machine in machines { machine.settleHealth() }
        world.after(random.span(.seconds(1), .seconds(16))) { self.endHang() }
    }

    private func endHang() {
        guard store.isHung else { return }
        store.goOn()
        for machine in machines { machine.settleHealth() }
    }

    /// The power of all machines fails; they boot one after the other. The registry is elsewhere, or was quicker.
    private func siteCut() {
        var rest = random.span(.seconds(3), .seconds(20))
        for machine in machines {
            machine.siteCut(for: rest)
            rest = rest + random.span(.zero, .seconds(15))
        }
    }

    private func killUnit(_ machine: SimMachine) {
        let running = machine.systemd.units.values.filter { $0.state == .up }.map(\.name).sorted()
        if let name = random.pick(running) { machine.systemd.kill(name) }
    }

    private func addForeignUnit(_ machine: SimMachine, _ length: SimSpan) {
        guard let name = random.pick(users.unitNames), machine.systemd.units[name] == nil else { return }
        machine.systemd.setForeign(name, true)
        world.after(length) { machine.systemd.setForeign(name, false) }
    }

    /// Somebody else uses the same etcd.
    private func writeForeignKeys() {
        world.after(random.span(.milliseconds(200), .seconds(4))) {
            guard self.world.phase == .faults else { return }
            self.store.writeForeignKey()
            self.writeForeignKeys()
        }
    }

    /// Everything is mended, but for the machine that stays dead.
    func heal() {
        dead?.die()
        endHang()
        endOutage()
        for machine in machines where machine !== dead {
            machine.link.lag = .zero
            machine.boot()
            machine.resume()
            machine.startFleetd()
            machine.mend()
            for name in users.unitNames where machine.systemd.foreign.contains(name) {
                machine.systemd.setForeign(name, false)
            }
        }
    }
}
