import FleetModel
import FleetRegistry
import UnitFile

/// One fleet with everything around it, under one virtual clock and one seed. Single-threaded: whatever happens is an
/// event in `queue`.
final class SimWorld {
    let options: SimOptions
    let bug: PlantedBug?
    let keyspace = Keyspace.standard
    /// What unit files do in this world, by their hash.
    var specs: [ContentHash: UnitSpec] = [:]
    private(set) var now = SimTime.start
    private(set) var phase = Phase.faults
    private(set) var findings: [Finding] = []
    private(set) var events = 0
    private(set) var trace: Trace
    private var queue = EventQueue()
    private let seed: SimRandom

    enum Phase { case faults, healed }

    /// One stream per purpose.
    enum Purpose: UInt64 { case options = 1, network, systemd, users, nemesis, clocks, processes, store }

    init(options: SimOptions, bug: PlantedBug?, print: ((String) -> Void)?) {
        self.options = options
        self.bug = bug
        trace = Trace(print: print)
        seed = SimRandom(seed: options.seed)
    }

    func random(_ purpose: Purpose, _ index: Int = 0) -> SimRandom {
        seed.split(purpose.rawValue &* 1000 &+ UInt64(index))
    }

    func has(_ bug: PlantedBug) -> Bool { self.bug == bug }

    // MARK: Time

    func at(_ time: SimTime, _ action: @escaping () -> Void) { queue.add(max(time, now), action) }
    func after(_ span: SimSpan, _ action: @escaping () -> Void) {
        queue.add(now.advanced(by: max(span, .zero)), action)
    }

    /// Lets happen what is due up to `end`, or until there is a finding.
    func run(until end: SimTime) {
        while findings.isEmpty, let next = queue.nextTime, next <= end, let event = queue.removeFirst() {
            now = next
            events += 1
            trace.mix(event.time)
            trace.mix(event.sequence)
            event.action()
        }
        if findings.isEmpty, now < end { now = end }
    }

    func heal() { phase = .healed }

    func end() { queue.removeAll() }

    // MARK: Telling

    func find(_ rule: Finding.Rule, _ text: @autoclosure () -> String) {
        let finding = Finding(rule: rule, at: now, text: text())
        findings.append(finding)
        note { "FINDING \(finding)" }
    }

    /// For the trace only.
    func note(_ text: () -> String) {
        guard let print = trace.print else { return }
        print("\(now)  \(text())")
    }

    func mix(_ bytes: [UInt8]) { trace.mix(bytes) }
}
