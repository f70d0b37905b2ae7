import FleetModel
import FleetUseCases
import UnitFile

/// People who want things, through whatever machine is at hand, and who remember what they were told.
final class SimUsers {
    private unowned let world: SimWorld
    private let machines: [SimMachine]
    private let checks: WorldChecks
    private var random: SimRandom
    private let names: [UnitName]
    private var requests = 0

    /// Whoever hears nothing for so long goes home.
    private static let patience = SimSpan.seconds(30)
    /// How often a wish is brought to another machine after one that cannot be asked.
    private static let tries = 6

    init(world: SimWorld, machines: [SimMachine], checks: WorldChecks) {
        self.world = world
        self.machines = machines
        self.checks = checks
        random = world.random(.users)
        names = (0..<world.options.unitNames).compactMap { number in
            try? UnitName(number % 4 == 3 ? "w@\(number).service" : "u\(number).service")
        }
    }

    var unitNames: [UnitName] { names }

    /// Goes on until things are healed. The first wishes come close together, so that there is something to break.
    func start() {
        var early = SimSpan.milliseconds(300)
        for _ in 0..<min(4, names.count) {
            world.after(early) { self.wish() }
            early = early + random.span(.milliseconds(10), .milliseconds(800))
        }
        next()
    }

    private func next() {
        world.after(random.span(.milliseconds(20), world.options.userPause * 2)) {
            guard self.world.phase == .faults else { return }
            self.wish()
            self.next()
        }
    }

    private func wish() {
        requests += 1
        let request = ControlShell.Request(number: requests, change: draw())
        world.note { "user \(request.number): \(request.change)" }
        ask(request, try: 0)
    }

    private func ask(_ request: ControlShell.Request, try number: Int) {
        guard let machine = random.pick(machines) else { return }
        guard let control = machine.fleetd?.control, !machine.process.isPaused else {
            return again(request, after: number)
        }
        var isOver = false
        control.perform(request) { [self] answer in
            guard !isOver else { return }
            isOver = true
            world.note { "user \(request.number): \(answer)" }
            switch answer {
            case .done: checks.acknowledged(request)
            case .unavailable: again(request, after: number)
            // What was reported as stored on the way counts all the same.
            case .unknown: checks.acknowledged(request)
            case .invalid(let message): world.find(.half, "user \(request.number) was refused: \(message)")
            }
        }
        world.after(Self.patience) { isOver = true }
    }

    private func again(_ request: ControlShell.Request, after number: Int) {
        guard number < Self.tries else { return }
        world.after(random.span(.milliseconds(100), .seconds(2))) {
            if self.world.phase == .faults { self.ask(request, try: number + 1) }
        }
    }

    // MARK: Wishes

    private func draw() -> Change {
        let name = pickName()
        switch random.weighted([40, 12, 16, 8, 8, 6, 6, 5, 5]) {
        case 0: return .submit([submission(of: name)], target: .launched, replace: random.chance(600) ? .always : .keep)
        case 1:
            let all = names.filter { _ in random.chance(400) }
            return .submit(all.map(submission), target: target(), replace: .withinTarget)
        case 2: return .target([name], target())
        case 3: return .restart([name, pickName()])
        case 4: return .destroy([name])
        case 5: return .resetFailed([name])
        case 6: return .label([label()])
        case 7: return .order(order(), [pickMachine()])
        default:
            let losesVolumes = world.options.volumes > 0 && random.chance(300)
            return .move([name], to: pickMachine(), losesVolumes: losesVolumes)
        }
    }

    private func pickName() -> UnitName {
        guard let name = random.pick(names) else { preconditionFailure("no names for \(world.options)") }
        return name
    }

    private func target() -> TargetState { random.pick([.launched, .launched, .loaded, .inactive]) ?? .launched }

    private func pickMachine() -> MachineID {
        guard let machine = random.pick(machines) else { preconditionFailure("no machines for \(world.options)") }
        return machine.id
    }

    /// More is opened than closed, so that there is room.
    private func order() -> MachineOrder {
        switch random.below(8) {
        case 0: .cordon(reason: nil)
        case 1: .drain(deadline: nil)
        case 2: .drain(deadline: .seconds(Int64(random.below(30))))
        default: .uncordon
        }
    }

    private func label() -> LabelChange {
        let machine = pickMachine()
        let zone = random.pick(SimMachine.zones) ?? ""
        return LabelChange(machine: machine, key: "zone", operation: random.chance(700) ? .set(zone) : .remove)
    }

    private func submission(of name: UnitName) -> Submission {
        let spec = spec(of: name)
        let text = spec.text
        world.specs[ContentHash(of: text)] = spec
        return Submission(name: name, text: text)
    }

    private func spec(of name: UnitName) -> UnitSpec {
        var spec = UnitSpec()
        spec.variant = random.below(3)
        spec.behaviour = .good
        if random.chance(world.options.trouble) { spec.behaviour = random.pick(UnitSpec.Behaviour.allCases) ?? .good }
        spec.trigger = random.pick([.onFailure, .onFailure, .onFailure, .onMachineLoss, .never]) ?? .onFailure
        spec.delaySeconds = 1 + random.below(3)
        spec.limit = random.pick([0, 3, 3, 4, 4, 5]) ?? 4
        // What is never given up is tried so seldom that there is rest in between.
        spec.longestDelaySeconds = spec.limit == 0 ? 300 : 20
        spec.isAtMostOnce = random.chance(150)
        if random.chance(world.options.constraints) { constrain(&spec, name) }
        if world.options.checks > 0, random.chance(world.options.checks) {
            spec.isChecked = true
            spec.isSickOnEven = random.chance(400)
        }
        if world.options.volumes > 0, random.chance(world.options.volumes) {
            spec.folder = random.chance(300) ? "shared" : name.stem
            spec.losesData = spec.isGlobal || random.chance(200)
        }
        return spec
    }

    /// One constraint or two that may be used together (`FleetRules`).
    private func constrain(_ spec: inout UnitSpec, _ name: UnitName) {
        let other = pickName()
        switch random.below(7) {
        case 0: spec.zones = [random.pick(SimMachine.zones) ?? ""]
        case 1: spec.machineID = random.pick(machines)?.id
        case 2: spec.conflicts = [other.description]
        case 3: spec.conflicts = ["w*"]
        case 4:
            spec.isGlobal = true
            spec.isAtMostOnce = false
            if random.chance(500) { spec.conflicts = [other.description] }
        case 5: spec.replaces = [other.description]
        default: if other != name { spec.machineOf = [other] }
        }
    }
}
