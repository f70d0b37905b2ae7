import Lab

/// People and scripts who go on as if nothing was wrong: each has units of his own, so that what becomes of a unit is
/// one user's story, and asks any machine.
struct User: Sendable {
    let name: String
    let units: [WorkUnit]
    let site: Site
    let memory: Memory
    let log: StormLog
    let end: Flag
    var random: SeededRandom

    private enum Action: String {
        case start, stop, destroy, restart, move
        case resetFailed = "reset-failed"
    }

    private static let pause = 200...2500

    mutating func run() async throws {
        while await !end.isUp {
            try await act()
            // Not a wait: how often a user wants something.
            try await ContinuousClock().sleep(for: random.duration(milliseconds: Self.pause))
        }
    }

    private mutating func act() async throws {
        let unit = random.pick(units)
        let via = random.pick(site.machines)
        let target = random.pick(site.machines)
        let action = await chooseAction(unit)
        // Without waiting, the answer says that the change is stored, and nothing else.
        let block = random.chance(70) ? ["--no-block"] : ["--block-attempts=10"]
        let arguments: [String]
        switch action {
        case .start: arguments = ["start"] + block + ["\(Workload.folder)/\(unit.name)"]
        case .stop, .destroy, .restart: arguments = [action.rawValue] + block + [unit.name]
        case .move: arguments = ["move"] + block + [unit.name, try target.id()]
        case .resetFailed: arguments = ["reset-failed", unit.name]
        }
        let (isDone, said) = await site.ask(arguments, via: via)
        await log.note("\(name)\t\(via.name)\t\(arguments.joined(separator: " "))\t\(said)")
        switch action {
        case .start: await memory.note(unit.name, .launched, isAcknowledged: isDone)
        case .stop: await memory.note(unit.name, .loaded, isAcknowledged: isDone)
        case .destroy: await memory.note(unit.name, .absent, isAcknowledged: isDone)
        case .restart, .move, .resetFailed: await memory.count(isDone)
        }
    }

    /// Most of the time most of the units should run.
    private mutating func chooseAction(_ unit: WorkUnit) async -> Action {
        guard await memory.targets(of: unit.name) == [.launched] else { return .start }
        return random.pick(weighted: [
            (.stop, 4), (.destroy, 3), (.restart, 3), (unit.kind == .global ? .restart : .move, 7), (.resetFailed, 2),
        ])
    }
}

/// The one who looks after the machines: closes one for a while, drains another.
struct Operator: Sendable {
    let site: Site
    let memory: Memory
    let log: StormLog
    let end: Flag
    var random: SeededRandom

    private static let pause = 4000...12_000

    mutating func run() async throws {
        while await !end.isUp {
            let machine = random.pick(site.machines), via = random.pick(site.machines)
            let id = try machine.id()
            let order = random.pick(weighted: [
                (["cordon", "--reason", "a storm", id], 4), (["drain", "--no-block", id], 4),
                (["drain", "--no-block", "--deadline", "5s", id], 1), (["brake", "release"], 1),
            ])
            await give(order, via)
            // Not a wait: how long an order stands.
            try await ContinuousClock().sleep(for: random.duration(milliseconds: Self.pause))
            await give(["uncordon", id], random.pick(site.machines))
        }
    }

    private func give(_ order: [String], _ via: Machine) async {
        let (isDone, said) = await site.ask(order, via: via)
        await memory.count(isDone)
        await log.note("operator\t\(via.name)\t\(order.joined(separator: " "))\t\(said)")
    }
}

extension Site {
    /// Asks a machine's fleetd, and says for the log what came of it. A machine that is off, or goes off meanwhile,
    /// acknowledges nothing.
    func ask(_ arguments: [String], via machine: Machine) async -> (isDone: Bool, said: String) {
        do {
            let result = try await control(arguments, on: machine)
            let text = result.standardError.split(separator: "\n").joined(separator: "; ")
            return (result.succeeded, "\(result.succeeded ? "done" : "unknown")\t\(result.status) \(text)")
        } catch {
            return (false, "unknown\t\("\(error)".split(whereSeparator: \.isNewline).first ?? "")")
        }
    }
}

/// Tells a task that it is over at the end of its round, where a cancellation would tear it out of it.
actor Flag {
    private(set) var isUp = false

    func raise() { isUp = true }
}
