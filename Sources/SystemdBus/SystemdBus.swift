import FleetAgent
package import FleetModel
package import FleetRuntime
package import Logging
import UnitFile

/// The local systemd, spoken to over D-Bus through libsystemd. `run` connects and stays connected; `events` tells what
/// systemd reports about units of ours; `perform` does what the agent's core asks for.
///
/// A unit is *ours* when the folder of systemd's runtime units has a link of its name into our folder. Nothing else is
/// ever written, started, stopped or reported.
///
/// The actor's executor is the thread that waits for the bus, so that libsystemd is only ever used there and what a
/// callback notes down is known before the next message is handled (see `runJob`).
package actor SystemdBus: UnitManager {
    package nonisolated let events: AsyncStream<UnitManagerEvent>
    /// Something after each time that systemd has read its files again: packages that come, change or go have that
    /// done. One consumer; what it does not look at in time is one.
    package nonisolated let reloadings: AsyncStream<Void>
    nonisolated let thread: BusThread
    package nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    nonisolated let log: Logger
    private let sleep: @Sendable (Duration) async throws -> Void
    let elapsed: @Sendable () -> Duration
    nonisolated let journalSource: SystemdJournal
    let addresses: [SystemdAddress]
    let directory: UnitDirectory
    let generator: QuadletGenerator
    nonisolated let volumes: VolumeFolders
    // Unbounded, because dropping an event would leave the agent with an old state for ever; an event is yielded only
    // when an observation differs, so a consumer that lags has at most the changes it has missed.
    private let event: AsyncStream<UnitManagerEvent>.Continuation
    private let reloading: AsyncStream<Void>.Continuation

    /// nil while there is no connection.
    private(set) var connection: BusConnection?
    private var losses: AsyncStream<String>.Continuation?
    /// systemd's `Version` and `UnitPath`, read once per connection.
    private(set) var facts = Facts()
    /// The listing after connecting has been told, so observations may follow.
    private(set) var isListed = false

    /// Our installed units.
    var ours: [UnitName: OurUnit] = [:]
    /// The same, by systemd's object path: most signals are about others and end with one look in here.
    var unitsByPath: [String: UnitName] = [:]
    var observation = ObservationState()
    /// Who waits for which job, by the job's object path.
    var jobs: [String: [CheckedContinuation<String, any Error>]] = [:]
    var reloads = ReloadState()
    var fence = FenceState()
    /// Units with an operation in flight: links of theirs come and go.
    var busy: Set<UnitName> = []

    struct Facts {
        var version = ""
        var unitPath: [String] = []
    }

    /// A unit file that is installed.
    struct OurUnit {
        /// nil when the link is there and the file is not.
        var file: ContentHash?
        /// What its service was made from; nil for a unit file of systemd's.
        var stamp: QuadletStamp?
        /// Services of companions with which systemd stops this one.
        var ties: Set<UnitName> = []
        /// It has the drop-in of an `AtMostOnce=` unit, as it should be.
        var isAtMostOnce = false
        /// podman ends its container when that is not healthy.
        var isEndedByCheck = false
    }

    /// The beginning of a clock of this process that counts suspends.
    private static let epoch = ContinuousClock.now

    /// `addresses` are tried in turn at each attempt to connect. `quadlet` runs podman's generator, if it
    /// is not the machine's. `elapsed` is the
    /// clock of `Fence`'s deadlines.
    package init(
        addresses: [SystemdAddress] = SystemdAddress.standard,
        paths: SystemdPaths = SystemdPaths(),
        journal: SystemdJournal = SystemdJournal(),
        quadlet: [String]? = nil,
        fence timing: FenceTiming = FenceTiming(lease: .seconds(10)),
        elapsed: @escaping @Sendable () -> Duration = { SystemdBus.epoch.duration(to: .now) },
        sleep: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) },
        log: Logger
    ) {
        (events, event) = AsyncStream.makeStream()
        (reloadings, reloading) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        thread = BusThread()
        self.log = log
        self.sleep = sleep
        self.elapsed = elapsed
        self.addresses = addresses
        journalSource = journal
        directory = UnitDirectory(paths: paths, timing: timing)
        generator = QuadletGenerator(command: quadlet, paths: paths, log: log)
        volumes = VolumeFolders(paths)
    }

    deinit {
        event.finish()
        reloading.finish()
        thread.stop()
    }

    /// Connects, and connects again whenever the connection is lost, until the task is cancelled. Call it once.
    package func run() async {
        thread.setPump { [weak self] in self?.assumeIsolated { $0.pump() } ?? BusThread.Wait() }
        var delay = BusLimits.firstReconnect
        while !Task.isCancelled {
            let began = ContinuousClock.now
            let reason = await connectAndStay()
            if Task.isCancelled { break }
            if began.duration(to: .now) > BusLimits.lastReconnect { delay = BusLimits.firstReconnect }
            log.info("systemd: \(reason); connecting again", metadata: ["delay": "\(delay)"])
            // Cancellation only ends the sleep early; the loop's condition sees it.
            try? await sleep(delay)
            delay = min(delay * 2, BusLimits.lastReconnect)
        }
        disconnect(because: "fleetd is stopping")
        event.finish()
        reloading.finish()
    }

    /// True from the listing after connecting until the connection is lost.
    package var isConnected: Bool { connection != nil && isListed }

    /// systemd's version as its `Version` property says, such as `257.9-1~deb13u1`; empty before the first connection.
    package var version: String { facts.version }

    /// The version of the podman that makes services of Quadlet files here; nil while there is none.
    package func podmanVersion() async -> PodmanVersion? { await generator.version() }

    /// The reason why the connection ended.
    private func connectAndStay() async -> String {
        var reason = "no address to connect to"
        for address in addresses {
            let (stream, continuation) = AsyncStream<String>.makeStream()
            losses = continuation
            do {
                try await connect(to: address)
                log.info(
                    "systemd: connected",
                    metadata: ["address": "\(address.address)", "version": "\(facts.version)"]
                )
                for await loss in stream { return loss }
                return "cancelled"
            } catch {
                reason = "\(error)"
                disconnect(because: reason)
                log.debug("systemd: \(reason)", metadata: ["address": "\(address.address)"])
            }
        }
        return reason
    }

    private func connect(to address: SystemdAddress) async throws(SystemdBusError) {
        let connection = try BusConnection(to: address)
        self.connection = connection
        let unitPaths = "path_namespace='\(SystemdName.managerPath)/unit'"
        let manager = "interface='\(SystemdName.manager)',path='\(SystemdName.managerPath)'"
        connection.onSignal = { signal in self.received(signal) }
        try connection.match(
            "interface='\(SystemdName.properties)',member='PropertiesChanged',\(unitPaths),arg0='\(SystemdName.unit)'"
        )
        for member in ["JobRemoved", "UnitRemoved", "UnitFilesChanged", "Reloading"] {
            try connection.match("\(manager),member='\(member)'")
        }
        readDirectory()
        try await subscribe()
        facts = Facts(
            version: try await managerProperty("Version").text,
            unitPath: try await managerProperty("UnitPath").texts
        )
        await forgetOldServices()
        let observations = try await observeAll()
        guard self.connection === connection else { throw SystemdBusError(.noAnswer, "connection to systemd lost") }
        isListed = true
        tell(.connected(observations))
    }

    func tell(_ news: UnitManagerEvent) { event.yield(news) }

    /// Forgets the connection; everything that waits for an answer gets `noAnswer`.
    func disconnect(because reason: String) {
        let wasListed = isListed
        isListed = false
        let old = connection
        connection = nil
        old?.close()
        observation = ObservationState()
        for unit in ours.keys { volumes.doubt(unit) }
        let waiting = jobs.values
        jobs = [:]
        for continuation in waiting.joined() {
            continuation.resume(throwing: SystemdBusError(.noAnswer, "connection to systemd lost while a job ran"))
        }
        if wasListed { tell(.disconnected(reason)) }
        losses?.yield(reason)
        losses?.finish()
        losses = nil
    }

    /// Runs on the bus thread between jobs.
    private func pump() -> BusThread.Wait {
        guard let connection else { return BusThread.Wait() }
        do {
            let hasMore = try connection.process(limit: BusLimits.messagesPerTurn)
            // A callback may have ended the connection.
            guard self.connection === connection else { return BusThread.Wait(deadline: 0) }
            if hasMore { return BusThread.Wait(deadline: 0) }
            if isListed { startReading() }
            return try connection.wait()
        } catch {
            disconnect(because: error.message)
            return BusThread.Wait(deadline: 0)
        }
    }

    /// A signal from systemd. Most are about units of others; they must cost as little as possible.
    private func received(_ signal: BusReader) {
        do {
            switch signal.member {
            case "PropertiesChanged":
                if let unit = unitsByPath[signal.path] { markDirty(unit) }
            case "JobRemoved":
                try jobRemoved(signal)
            case "UnitRemoved":
                try unitRemoved(signal)
            case "UnitFilesChanged":
                unitFilesChanged()
            case "Reloading":
                // At the end of a reload, whoever asked for it: files may be other files now.
                if try !signal.bool() {
                    unitFilesChanged()
                    reloading.yield()
                }
            default:
                break
            }
        } catch {
            log.error("systemd: a \(signal.member) signal cannot be read: \(error)")
        }
    }

    private func jobRemoved(_ signal: BusReader) throws(SystemdBusError) {
        _ = try signal.uint32()
        let path = try signal.string()
        let unit = try signal.string()
        let result = try signal.string()
        for continuation in jobs.removeValue(forKey: path) ?? [] { continuation.resume(returning: result) }
        if let unit = unitsByPath[SystemdName.path(of: unit)] { markDirty(unit) }
    }
}
