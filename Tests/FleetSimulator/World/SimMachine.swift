import FleetAgent
import FleetModel
import FleetRegistry
import UnitFile

/// One machine: power, clock, cable, systemd and fleetd.
final class SimMachine {
    unowned let world: SimWorld
    let index: Int
    let id: MachineID
    let zone: String
    let hasEngine: Bool
    let store: SimStore
    let feeds: SharedFeeds
    unowned let checks: WorldChecks
    let clock: SimClock
    let link: SimLink
    let systemd: SimSystemd
    let fence: SimFence
    let process: SimProcess
    private(set) var isOn = false
    /// It does not come back any more.
    private(set) var isDead = false
    private(set) var fleetd: SimFleetd?
    /// `/run/fleet/ledger`: it survives fleetd and not the machine.
    private var ledger: [UnitName: [UInt8]] = [:]
    /// `/run/fleet/lease`.
    var leases = OwnLeases()
    /// Since when nothing keeps this machine from doing what it should; nil while something does.
    private(set) var healthySince: SimTime?
    private var starts = 0
    private var booted = SimTime.start
    /// Since when only the registry can have kept this machine from being present.
    private(set) var soundSince: SimTime?
    /// It lost its power with all others, and comes back soon.
    private(set) var isComing = false

    static let zones = ["east", "west"]

    init(world: SimWorld, index: Int, store: SimStore, feeds: SharedFeeds, checks: WorldChecks) {
        self.world = world
        self.index = index
        self.store = store
        self.feeds = feeds
        self.checks = checks
        guard let id = MachineID(String(repeating: "\(index)a", count: 16)) else {
            preconditionFailure("machine \(index) has no id")
        }
        self.id = id
        zone = Self.zones[index % Self.zones.count]
        hasEngine = index < world.options.engines
        var random = world.random(.clocks, index)
        let most = world.options.clockOffset.microseconds
        let drift =
            world.options.drift == 0
            ? 0
            : random.span(.zero, SimSpan(microseconds: 2 * world.options.drift))
                .microseconds - world.options.drift
        let offset = random.span(SimSpan(microseconds: -most), SimSpan(microseconds: most))
        clock = SimClock(world: world, offset: most == 0 ? .zero : offset, drift: drift)
        link = SimLink(world: world, index: index)
        systemd = SimSystemd(world: world, machine: index, checks: checks)
        fence = SimFence(systemd, clock: clock)
        process = SimProcess(world: world)
    }

    var presence: MachinePresence {
        MachinePresence(
            hostname: "m\(index)",
            primaryIP: "",
            metadata: ["zone": zone],
            version: "sim",
            systemdVersion: "257",
            since: clock.now
        )
    }

    // MARK: Power and processes

    func boot() {
        guard !isOn, !isDead else { return }
        isOn = true
        booted = world.now
        ledger = [:]
        world.note { "m\(index) boots" }
        startFleetd()
    }

    func powerCut() {
        guard isOn else { return }
        world.note { "m\(index) loses its power" }
        killFleetd()
        isOn = false
        ledger = [:]
        leases = OwnLeases()
        checks.rebooted(index)
        fence.powerCut()
        systemd.powerCut()
    }

    /// At the beginning everything has been there for long.
    var uptime: SimSpan { booted == .start ? .seconds(3600) : world.now.since(booted) }

    /// Loses its power with all others, and gets it back with them.
    func siteCut(for span: SimSpan) {
        let wasWell = soundSince.map { world.now.since($0) > SimOptions.agentTTL } ?? false
        powerCut()
        isComing = wasWell
        world.after(span) { self.boot() }
    }

    /// Its presence is in the registry.
    func registered() { isComing = false }

    func die() {
        powerCut()
        (isDead, isComing) = (true, false)
        world.note { "m\(index) stays dead" }
    }

    func startFleetd() {
        guard isOn, !process.isRunning else { return }
        world.note { "m\(index) fleetd starts" }
        process.start()
        starts += 1
        let fleetd = SimFleetd(self)
        self.fleetd = fleetd
        settleHealth()
        process.after(.milliseconds(20)) { fleetd.start() }
    }

    func killFleetd() {
        isComing = false
        guard process.isRunning else { return }
        world.note { "m\(index) fleetd ends" }
        process.kill()
        systemd.connection?.cut()
        systemd.connection = nil
        fleetd = nil
        settleHealth()
    }

    /// systemd's `TimeoutStopSec=`: after it the process is killed.
    private static let stopTimeout = SimSpan.seconds(10)

    /// `systemctl stop fleetd`, and started again after `rest`.
    func stopFleetd(rest: SimSpan) {
        let life = starts
        func end() {
            guard life == starts, process.isRunning else { return }
            killFleetd()
            world.after(rest) { self.startFleetd() }
        }
        guard process.isRunning, let engine = fleetd?.engine else { return end() }
        engine.stop(then: end)
        world.after(Self.stopTimeout, end)
    }

    /// The world ends, without a word.
    func end() {
        process.kill()
        link.end()
        systemd.end()
        fleetd = nil
    }

    func pause() {
        isComing = false
        process.pause()
        settleHealth()
    }

    func resume() {
        guard process.isPaused else { return }
        world.note { "m\(index) fleetd goes on" }
        process.resume()
        settleHealth()
    }

    func cut() {
        isComing = false
        link.cut()
        settleHealth()
    }

    func mend() {
        link.mend()
        settleHealth()
    }

    func settleHealth() {
        let isSound = isOn && process.isRunning && !process.isPaused && !link.isCut && link.lag == .zero
        let isHealthy = isSound && store.isUp && !store.isHung
        if !isSound { soundSince = nil } else if soundSince == nil { soundSince = world.now }
        if !isHealthy { healthySince = nil } else if healthySince == nil { healthySince = world.now }
    }

    /// Something befell it that none of its own parts is to blame for.
    func disturb() {
        (healthySince, soundSince) = (nil, nil)
        settleHealth()
    }

    // MARK: The ledger

    func readLedger() -> [UnitName: LedgerEntry] {
        guard !world.has(.forgetLedger) else { return [:] }
        return ledger.mapValues { bytes in
            do throws(RegistryValueError) {
                return try RegistryValue.decode(LedgerEntry.self, from: bytes)
            } catch {
                preconditionFailure("a ledger entry \(error)")
            }
        }
    }

    func remember(_ entry: LedgerEntry?, of unit: UnitName) {
        ledger[unit] = entry.map { RegistryValue.encode($0) }
    }
}
