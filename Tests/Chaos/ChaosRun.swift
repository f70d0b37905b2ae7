package import Lab

/// Random faults on five machines while users go on working, and then the question whether anything was lost.
package struct ChaosRun: Sendable {
    /// A mistake put there on purpose, to see that it is found.
    package enum Plant: String, CaseIterable, Sendable {
        /// A second copy of an `AtMostOnce=` unit for a second, in the middle of the storm.
        case copy
        /// A unit that users were told is started is taken out of the registry after the storm.
        case loss
        /// A unit runs on a machine without fleet knowing.
        case stray
    }

    package struct Outcome: Sendable {
        package var findings: [String] = []
    }

    package var seed: UInt64
    package var count: Int
    package var plant: Plant?
    /// Keeps the journals also when nothing is found.
    package var keeps: Bool
    /// Gets each line that is for the reader.
    package var print: @Sendable (String) -> Void

    package init(
        seed: UInt64,
        count: Int,
        plant: Plant? = nil,
        keeps: Bool = false,
        print: @escaping @Sendable (String) -> Void
    ) {
        self.seed = seed
        self.count = count
        self.plant = plant
        self.keeps = keeps
        self.print = print
    }

    /// Everything that should run has to, so long after the last fault.
    private static let convergence = Duration.seconds(90)
    private static let users = 3

    package var plan: [Fault] { FaultPlan.make(seed: seed, count: count) }

    /// Boots machines in a lab and takes it through the storm.
    package func run(in lab: Lab) async throws -> Outcome {
        print("chaos\tseed \(seed)\tfaults \(count)\(plant.map { "\tplanted \($0.rawValue)" } ?? "")")
        let site = try await Site.build(in: lab)
        let log = StormLog(print: print), memory = Memory()
        try await startEverything(site, memory)
        await log.note("calm\t\(Workload.units.count) units run on \(site.machines.count) machines", isNews: true)
        let storm = Storm(site: site, log: log)
        try await rage(storm, memory, log)
        await log.note("healing", isNews: true)
        try await storm.heal()
        let healed = ContinuousClock.now
        for machine in site.machines { try await uncordon(machine, site) }
        if plant == .loss || plant == .stray { try await plantAfterwards(site, memory) }
        var outcome = Outcome()
        try await inspect(site, memory, log, healed, &outcome)
        for finding in outcome.findings { await log.note("FOUND\t\(finding)", isNews: true) }
        if keeps || !outcome.findings.isEmpty {
            let folder = try await lab.keepJournals("chaos-\(seed)", with: await log.lines)
            print("journals of all machines, and all that was done: \(folder)")
        }
        print("seed \(seed): \(outcome.findings.isEmpty ? "all is well" : "\(outcome.findings.count) findings")")
        return outcome
    }

    private func startEverything(_ site: Site, _ memory: Memory) async throws {
        let first = site.machine(0)
        let templates = Workload.files.keys.sorted().map { "\(Workload.folder)/\($0)" }
        try await site.control(["submit"] + templates, on: first).checked()
        let names = Workload.units.map(\.name)
        try await first.run(["fleetctl", "start"] + names, limit: .seconds(120)).checked()
        for name in names { await memory.note(name, .launched, isAcknowledged: true) }
        let inspection = Inspection(site: site, memory: memory)
        try await eventually("everything runs before the storm", within: .seconds(60)) {
            let result = try await inspection.look()
            guard result.problems.isEmpty, result.givenUp.isEmpty else { throw NotYet("\(result)") }
        }
    }

    /// Users work and faults happen until the plan is through.
    private func rage(_ storm: Storm, _ memory: Memory, _ log: StormLog) async throws {
        let site = storm.site, end = Flag(), middle = count / 2
        var random = SeededRandom(seed: seed)
        var users: [User] = []
        for number in 0..<Self.users {
            let own = Workload.units.enumerated().filter { $0.offset % Self.users == number }.map(\.element)
            users.append(
                User(
                    name: "user\(number + 1)",
                    units: own,
                    site: site,
                    memory: memory,
                    log: log,
                    end: end,
                    random: random.split()
                )
            )
        }
        let caretaker = Operator(site: site, memory: memory, log: log, end: end, random: random.split())
        let plan = plan, plant = plant
        try await withThrowingTaskGroup(of: Void.self) { group in
            for user in users {
                group.addTask {
                    var user = user
                    try await user.run()
                }
            }
            group.addTask {
                var caretaker = caretaker
                try await caretaker.run()
            }
            group.addTask {
                try await storm.run(plan) { fault in
                    if plant == .copy, fault.number == middle { try await plantCopy(site) }
                }
                await end.raise()
            }
            try await group.waitForAll()
        }
        let (done, unknown) = (await memory.acknowledged, await memory.unknown)
        await log.note("users\t\(done) requests acknowledged\t\(unknown) not", isNews: true)
    }

    private func uncordon(_ machine: Machine, _ site: Site) async throws {
        try await eventually("\(machine.name) is open again", within: .seconds(60)) {
            let order = try await site.control(["uncordon", try machine.id()], on: site.machine(0))
            guard order.succeeded else { throw NotYet("\(order)") }
        }
    }

    // MARK: The end

    private func inspect(
        _ site: Site,
        _ memory: Memory,
        _ log: StormLog,
        _ healed: ContinuousClock.Instant,
        _ outcome: inout Outcome
    ) async throws {
        var result = try await settle(site, memory, until: healed + Self.convergence)
        outcome.findings += result.problems
        await log.note("settled\tafter \(milliseconds(ContinuousClock.now - healed))ms", isNews: true)
        if !result.givenUp.isEmpty {
            for unit in result.givenUp { await log.note("given-up\t\(unit)", isNews: true) }
            // What was given up runs when somebody asks for it and the cause is gone.
            let names = result.givenUp.compactMap { $0.split(separator: ":").first.map(String.init) }
            try await site.control(["reset-failed"] + names, on: site.machine(1)).checked()
            result = try await settle(site, memory, until: ContinuousClock.now + .seconds(60), withGivenUp: true)
            outcome.findings += result.problems + result.givenUp.map { "given up again: \($0)" }
        }
        outcome.findings += try await lives(site, log)
        outcome.findings += try await unrest(site)
        for machine in site.machines {
            let report = try await MachineReport(of: machine)
            for line in report.lines { await log.note(line, isNews: true) }
            outcome.findings += report.problems
        }
    }

    /// Looks until there is nothing to complain about, or the time is over.
    private func settle(
        _ site: Site,
        _ memory: Memory,
        until deadline: ContinuousClock.Instant,
        withGivenUp: Bool = false
    ) async throws -> Inspection.Result {
        let inspection = Inspection(site: site, memory: memory)
        var last = Inspection.Result()
        do {
            return try await eventually("nothing is wrong", within: deadline - .now, poll: .milliseconds(500)) {
                do {
                    last = try await inspection.look()
                } catch {
                    last.problems = ["it cannot be looked at: \(error)"]
                }
                let isWell = last.problems.isEmpty && !(withGivenUp && !last.givenUp.isEmpty)
                guard isWell else { throw NotYet("\(last)") }
                return last
            }
        } catch is LabError {
            return last
        }
    }

    /// Marks of the `AtMostOnce=` units.
    private func lives(_ site: Site, _ log: StormLog) async throws -> [String] {
        var findings: [String] = []
        for unit in Workload.units where unit.kind == .atMostOnce {
            let marks = Workload.marks(Workload.instance(unit))
            let lives = try await Life.all(marks: marks, on: site.machines)
            let gap = Life.smallestGap(lives)
            await log.note(
                "lives\t\(unit.name)\t\(lives.count)\ton \(Set(lives.map(\.machine)).count) machines"
                    + "\tsmallest gap \(gap.map { "\(Int($0 * 1000))ms" } ?? "none")",
                isNews: true
            )
            if lives.isEmpty { findings.append("\(unit.name) has left no marks") }
            guard let gap, gap <= 0 else { continue }
            let pairs = zip(lives, lives.dropFirst()).filter { $0.last >= $1.first }
            findings.append("\(unit.name) ran twice for \(-gap) s: \(pairs.map { "\($0) and \($1)" })")
        }
        return findings
    }

    /// A fleet at rest writes nothing.
    private func unrest(_ site: Site) async throws -> [String] {
        var before = try await site.revision()
        let first = before
        for _ in 0..<5 {
            // Not a wait: the time in which nothing may be written.
            try await ContinuousClock().sleep(for: .seconds(3))
            let now = try await site.revision()
            if now == before { return [] }
            before = now
        }
        return ["the registry does not come to rest: \(before - first) writes in 15 s"]
    }
}
