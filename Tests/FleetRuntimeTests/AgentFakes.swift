import FleetAgent
import FleetModel
import FleetRegistry
import FleetRuntime
import Logging
import MemoryStore
import Synchronization
import Testing
import UnitFile

/// Answers every check with what a test says.
final class FakeProber: HealthProber {
    struct State {
        var answer = CheckResult.healthy(output: "")
        var checked: [UnitName: Int] = [:]
    }

    let state = Mutex(State())

    func check(_ unit: UnitName, _ check: HealthCheck, invocation: String) async -> CheckResult {
        state.withLock { state in
            state.checked[unit, default: 0] += 1
            return state.answer
        }
    }
}

/// A podman whose pulls end when a test says so.
final class FakePuller: ImagePuller {
    struct State {
        /// nil: there is no podman.
        var names: [String]?
        var waiting: [String: AsyncStream<PullResult>.Continuation] = [:]
        /// What the last look at old pulls has left alone; nil before the first.
        var kept: [String]?
    }

    let state = Mutex(State())

    func pull(
        _ image: ImagePull,
        progress: @escaping @Sendable (String) async -> Void
    ) async -> PullResult {
        if state.withLock({ $0.names?.contains(image.name) ?? false }) { return .present }
        let (answers, answer) = AsyncStream.makeStream(of: PullResult.self)
        await progress("Copying blob")
        state.withLock { $0.waiting[image.name] = answer }
        for await result in answers { return result }
        state.withLock { _ = $0.waiting.removeValue(forKey: image.name) }
        return .notRun(reason: "cancelled")
    }

    func names() async -> [String]? { state.withLock { $0.names } }

    func endPulls(except images: [ImagePull]) async { state.withLock { $0.kept = images.map(\.name) } }

    /// False while nobody waits for the image.
    func end(_ image: String, _ result: PullResult) -> Bool {
        state.withLock { state in
            guard let answer = state.waiting.removeValue(forKey: image) else { return false }
            if case .pulled = result { state.names = (state.names ?? []) + [image] }
            answer.yield(result)
            answer.finish()
            return true
        }
    }
}

/// A systemd that does at once what it is asked, unless a test holds a unit back.
final class FakeUnitManager: UnitManager {
    struct State {
        var units: [UnitName: UnitObservation] = [:]
        /// What was performed, in order.
        var performed: [UnitOperation] = []
        var installed: [ContentHash: String] = [:]
        /// Units whose operations do not end until they are let go.
        var held: Set<UnitName> = []
        var holding: [UnitName: CheckedContinuation<Void, Never>] = [:]
        var failing: Set<UnitName> = []
        var invocations = 0
        var atOnce = 0
        var mostAtOnce = 0
    }

    let events: AsyncStream<UnitManagerEvent>
    let send: AsyncStream<UnitManagerEvent>.Continuation
    let state = Mutex(State())
    let fence = FakeFence()

    init() {
        (events, send) = AsyncStream.makeStream()
    }

    var performed: [UnitOperation] { state.withLock { $0.performed } }

    func connect() {
        send.yield(.connected(state.withLock { $0.units }))
    }

    func show(_ unit: UnitName, _ change: (inout UnitObservation) -> Void) {
        let observation = state.withLock { state in
            state.units[unit].map { old in
                var new = old
                change(&new)
                state.units[unit] = new
                return new
            }
        }
        send.yield(.observed(unit, observation))
    }

    func letGo(_ unit: UnitName) {
        let continuation = state.withLock { state in
            state.held.remove(unit)
            return state.holding.removeValue(forKey: unit)
        }
        continuation?.resume()
    }

    func perform(_ id: OperationID, _ operation: UnitOperation, texts: [ContentHash: String]) async {
        state.withLock { state in
            state.performed.append(operation)
            state.atOnce += 1
            state.mostAtOnce = max(state.mostAtOnce, state.atOnce)
        }
        for unit in operation.units {
            await withCheckedContinuation { continuation in
                let isHeld = state.withLock { state in
                    guard state.held.contains(unit) else { return false }
                    state.holding[unit] = continuation
                    return true
                }
                if !isHeld { continuation.resume() }
            }
        }
        let allowed = fence.allowed
        let observations = state.withLock { state in
            state.atOnce -= 1
            for unit in operation.units { Self.apply(operation, to: unit, texts, allowed, &state) }
            return operation.units.map { ($0, state.units[$0]) }
        }
        for (unit, observation) in observations { send.yield(.observed(unit, observation)) }
        send.yield(.finished(id, Dictionary(operation.units.map { ($0, .done) }) { first, _ in first }))
    }

    func journal(of unit: UnitName, invocation: String, lines: Int) async -> [String] {
        ["\(unit) [\(invocation)] said this"]
    }

    private static func apply(
        _ operation: UnitOperation,
        to unit: UnitName,
        _ texts: [ContentHash: String],
        _ allowed: Set<UnitName>,
        _ state: inout State
    ) {
        switch operation {
        case .install(let installations):
            for item in installations where item.unit == unit {
                state.installed[item.file] = texts[item.file]
                state.units[unit] = UnitObservation(
                    loadState: "loaded",
                    activeState: "inactive",
                    subState: "dead",
                    result: "success",
                    file: item.file,
                    isAllowed: item.atMostOnce ? allowed.contains(unit) : nil
                )
            }
        case .start where state.units[unit]?.isAllowed != nil && !allowed.contains(unit):
            state.units[unit]?.isAllowed = false
        case .start, .restart:
            if state.units[unit]?.isAllowed != nil { state.units[unit]?.isAllowed = true }
            state.invocations += 1
            state.units[unit]?.invocation = "i\(state.invocations)"
            let fails = state.failing.contains(unit)
            state.units[unit]?.activeState = fails ? "failed" : "active"
            state.units[unit]?.subState = fails ? "failed" : "running"
            state.units[unit]?.result = fails ? "exit-code" : "success"
            state.units[unit]?.mainCode = fails ? 1 : 0
            state.units[unit]?.mainStatus = fails ? 3 : 0
        case .stop, .resetFailed:
            state.units[unit]?.activeState = "inactive"
            state.units[unit]?.subState = "dead"
        case .remove: state.units[unit] = nil
        case .reload, .probe: break
        }
    }
}

/// A ledger in memory, which outlives the service of a test.
final class MemoryLedger: LedgerStore, DurableLedger {
    private let entries = Mutex<[UnitName: [UInt8]]>([:])

    func values() -> [UnitName: [UInt8]] { entries.withLock { $0 } }
    func keep(_ value: [UInt8]?, of unit: UnitName) { entries.withLock { $0[unit] = value } }
    func keep(_ values: [UnitName: [UInt8]?]) { for (unit, value) in values { keep(value, of: unit) } }
}

/// Wall-clock time that stands still until a test moves it.
struct ManualWallClock: WallClock {
    let manual = ManualClock()

    func now() -> Timestamp { Timestamp(milliseconds: 0).advanced(by: manual.now.offset) }

    func elapsed() -> Duration { manual.now.offset }

    func sleep(for duration: Duration) async throws {
        // Not a wait: the clock itself.
        try await manual.sleep(until: manual.now.advanced(by: duration), tolerance: nil)
    }
}

/// What `/run` would keep.
final class MemoryLeases: LeaseMemory {
    private let kept: Mutex<OwnLeases>

    init(_ leases: OwnLeases = OwnLeases()) { kept = Mutex(leases) }

    func leases() -> OwnLeases { kept.withLock { $0 } }
    func keep(_ leases: OwnLeases) { kept.withLock { $0 = leases } }
}

/// Counts the transactions that a store is asked for, can be cut off, and can lose an answer.
final class WatchedStore: KeyValueStore {
    let inner: MemoryStore
    private let losesNext = Mutex<Bool?>(nil)
    let commits = Mutex(0)
    /// Renewals of leases that were asked for.
    let renewals = Mutex(0)
    let isCut = Mutex(false)
    let largest = Mutex(0)
    /// Reads that end when they are let go, while a test holds them back.
    private let held = Mutex<[CheckedContinuation<Void, Never>]?>(nil)

    init(_ inner: MemoryStore) { self.inner = inner }

    private var cut: StoreError { StoreError(.unavailable, "cut off") }

    func range(_ range: KeyRange, limit: Int) async throws(StoreError) -> RangeAnswer {
        if isCut.withLock({ $0 }) { throw cut }
        if held.withLock({ $0 != nil }) {
            await withCheckedContinuation { continuation in held.withLock { $0?.append(continuation) } }
        }
        return try await inner.range(range, limit: limit)
    }

    /// Reads that are held back.
    var readsHeld: Int { held.withLock { $0?.count ?? 0 } }

    func holdReads() { held.withLock { $0 = [] } }

    func letReadsGo() {
        let all = held.withLock { $0.take() } ?? []
        for continuation in all { continuation.resume() }
    }

    func commit(_ transaction: Transaction) async -> CommitOutcome {
        commits.withLock { $0 += 1 }
        largest.withLock { $0 = max($0, transaction.operations.count) }
        if isCut.withLock({ $0 }) { return .unknown(cut) }
        // Time for more to become due, as a real store takes it.
        for _ in 0..<20 { await Task.yield() }
        if let isApplied = losesNext.withLock({ $0.take() }) { inner.failNextCommit(.unknown(isApplied: isApplied)) }
        return await inner.commit(transaction)
    }

    /// Nobody learns what becomes of the next transaction that comes this way.
    func failUnknown(applied: Bool) { losesNext.withLock { $0 = applied } }

    func watch(_ range: KeyRange, from start: Revision) -> AsyncThrowingStream<WatchBatch, any Error> {
        inner.watch(range, from: start)
    }

    func grantLease(_ life: LeaseLife) async throws(StoreError) -> LeaseID { try await inner.grantLease(life) }

    func keepAlive(_ lease: LeaseID) async throws(StoreError) {
        renewals.withLock { $0 += 1 }
        if isCut.withLock({ $0 }) { throw cut }
        try await inner.keepAlive(lease)
    }

    func time(of lease: LeaseID) async throws(StoreError) -> LeaseTime? {
        if isCut.withLock({ $0 }) { throw cut }
        return try await inner.time(of: lease)
    }

    func revoke(_ lease: LeaseID) async throws(StoreError) { try await inner.revoke(lease) }
    func compact(to revision: Revision) async throws(StoreError) { try await inner.compact(to: revision) }
    func close() async { await inner.close() }
}

/// A fence that comes down when the test says so.
final class FakeFence: Fence {
    struct State {
        var allowed: Set<UnitName> = []
        var deadlines: [Duration] = []
        var hasFired = false
        var killed: [UnitName] = []
    }

    let state = Mutex(State())

    var allowed: Set<UnitName> { state.withLock { $0.allowed } }

    func comeDown() {
        state.withLock { state in
            state.allowed = []
            state.hasFired = true
        }
    }

    func inherited() -> Set<UnitName> { allowed }

    func arm(deadline: Duration) -> FenceAnswer {
        state.withLock { state in
            defer { state.hasFired = false }
            guard !state.hasFired else { return .fired }
            state.deadlines.append(deadline)
            return .done
        }
    }

    func disarm() {}

    func kill(_ units: [UnitName]) { state.withLock { $0.killed += units } }

    func allow(_ unit: UnitName) -> FenceAnswer {
        state.withLock { state in
            guard !state.hasFired else { return .fired }
            state.allowed.insert(unit)
            return .done
        }
    }

    func forbid(_ unit: UnitName) { state.withLock { _ = $0.allowed.remove(unit) } }
}
