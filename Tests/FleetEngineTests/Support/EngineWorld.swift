import FleetEngine
import FleetModel
import FleetPlanner
import FleetRegistry
import UnitFile

/// One engine over the fake registry, with a clock that the test turns. Directives are carried out at once unless the
/// test holds transactions back.
struct EngineWorld {
    var registry = FakeRegistry()
    var core: EngineCore
    let machine: MachineID
    var now = Timestamp(milliseconds: 1_800_000_000_000)
    /// The wake that was asked for last.
    private(set) var wakeAt: Timestamp?
    private(set) var notes: [EngineNote] = []
    /// Everything that was asked for, in order.
    private(set) var directives: [EngineDirective] = []
    /// Transactions that wait for the test.
    private(set) var held: [(id: TransactionID, transaction: Transaction)] = []
    private(set) var isCatchingUp = false
    var holdsTransactions = false
    /// Who is silent when the core asks, and whom it has asked for.
    var silent: Set<MachineID> = []
    private(set) var sounded: [[MachineID]] = []
    /// What becomes of the next transactions, instead of what the registry would say.
    var outcomes: [(inout FakeRegistry, Transaction) -> CommitResult] = []

    init(machine: MachineID, isSettling: Bool = false, booted: Timestamp? = nil) {
        self.machine = machine
        core = EngineCore(keyspace: .standard, machine: machine, isSettling: isSettling, booted: booted)
    }

    mutating func start() { step(.changed(Changes(all: true))) }

    /// Lets the feed see what is committed, again and again until nothing comes of it.
    mutating func settle() {
        for _ in 0..<100 {
            let changes = registry.deliver()
            if changes.isEmpty, !isCatchingUp { return }
            step(.changed(changes))
            if isCatchingUp {
                isCatchingUp = false
                let leader = registry.entries[RegistryKey.leader.key(in: registry.keyspace)]
                let epoch = core.epoch ?? .zero
                let fence = leader?.created == epoch ? leader?.modified : nil
                step(.caughtUp(registry.revision, epoch: epoch, fence: fence))
            }
        }
        fatalError("does not come to rest: \(directives.suffix(10))")
    }

    /// Turns the clock to the wake that was asked for.
    mutating func wake() {
        guard let at = wakeAt else { return }
        now = max(now, at)
        wakeAt = nil
        step(.wake)
        settle()
    }

    mutating func step(_ input: EngineInput) {
        perform(core.step(input, snapshot: registry.snapshot, now: now))
    }

    mutating func releaseHeld() {
        holdsTransactions = false
        let waiting = held
        held = []
        for item in waiting { step(.finished(item.id, registry.commit(item.transaction))) }
    }

    private mutating func perform(_ wanted: [EngineDirective]) {
        directives += wanted
        for directive in wanted {
            switch directive {
            case .campaign: step(.campaigned(campaign()))
            case .resign:
                if registry.snapshot.leadership?.machine == machine { registry.delete(.leader) }
            case .commit(let id, let transaction):
                if holdsTransactions {
                    held.append((id, transaction))
                } else if outcomes.isEmpty {
                    step(.finished(id, registry.commit(transaction)))
                } else {
                    let outcome = outcomes.removeFirst()
                    step(.finished(id, outcome(&registry, transaction)))
                }
            case .catchUp(_, let isUncertain):
                isCatchingUp = true
                if isUncertain { registry.put(.leader, LeaderRecord(machine: machine, since: now)) }
            case .findSilent(let machines):
                sounded.append(machines)
                step(.foundSilent(silent))
            case .timeOldLeases: break
            case .wake(let at): wakeAt = at
            case .note(let note): notes.append(note)
            }
        }
    }

    private mutating func campaign() -> CampaignResult {
        let key = RegistryKey.leader.key(in: registry.keyspace)
        let record = LeaderRecord(machine: machine, since: now)
        let claim = Transaction(
            compares: [.absent(key)],
            operations: [.put(key, RegistryValue.encode(record), lease: nil)]
        )
        if case .committed(let revision) = registry.commit(claim) { return .won(revision) }
        return .held
    }

    // MARK: What came of it

    func machines(of name: UnitName) -> [MachineID] { (registry.snapshot.assignments[name] ?? [:]).keys.sorted() }

    func attempt(of name: UnitName) -> Int? { registry.snapshot.assignments[name]?.values.first?.attempt }

    var commitsAsked: Int {
        directives.count { if case .commit = $0 { true } else { false } }
    }
}

func machine(_ digit: Character) -> MachineID {
    guard let id = MachineID(String(repeating: digit, count: 32)) else { fatalError("'\(digit)' is no hex digit") }
    return id
}

func unit(_ text: String) -> UnitName {
    do {
        return try UnitName(text)
    } catch {
        fatalError("\(error)")
    }
}
