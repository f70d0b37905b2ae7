import FleetAgent
import UnitFile

/// One unit as a simulated systemd has it.
final class SimUnit {
    /// What systemd is doing with the unit.
    enum State: Equatable {
        case dead
        case failed
        /// A process runs and is not ready.
        case starting
        case up
        /// A process runs and is to end.
        case stopping
        /// Waits for `RestartSec=`; no process.
        case waitingForRestart
    }

    /// A job of systemd for this unit, and who waits for its result.
    struct Job {
        enum Kind: Equatable { case start, stop, restart }

        var kind: Kind
        var waiting: [(String) -> Void]
    }

    let name: UnitName
    /// Our file on the disk; nil once it was removed.
    var file: ContentHash?
    /// It has the drop-in of an at-most-once unit.
    var isGuarded = false
    /// False for a file that systemd does not accept.
    var isLoaded = true
    /// What the present or next run does.
    var spec: UnitSpec
    var state = State.dead
    var result = "success"
    var restarts: UInt32 = 0
    var invocation = ""
    var mainCode: Int32 = 0
    var mainStatus: Int32 = 0
    var mainPID: Int32 = 0
    var job: Job?
    /// Recent starts, for the start limit.
    var starts: [SimTime] = []
    /// Counts changes of state: a timer of an earlier one is of no interest.
    var step = 0

    init(name: UnitName, file: ContentHash, spec: UnitSpec) {
        self.name = name
        self.file = file
        self.spec = spec
    }

    /// A process of the unit exists.
    var hasProcess: Bool { state == .starting || state == .up || state == .stopping }
    var isAtRest: Bool { (state == .dead || state == .failed) && job == nil }

    private var words: (active: String, sub: String) {
        switch state {
        case .dead: ("inactive", "dead")
        case .failed: ("failed", "failed")
        case .starting: ("activating", "start")
        case .up: ("active", "running")
        case .stopping: ("deactivating", "stop-sigterm")
        case .waitingForRestart: ("activating", "auto-restart")
        }
    }

    /// As `SystemdBus` reads it: of an inactive unit nothing but its states; nil when the file is not ours (any more).
    func observation(allowed: Set<UnitName>) -> UnitObservation? {
        guard let file else { return nil }
        let words = words
        var seen = UnitObservation(
            loadState: isLoaded ? "loaded" : "bad-setting",
            activeState: words.active,
            subState: words.sub,
            loadError: isLoaded ? "" : "the file has a mistake",
            file: file,
            isAllowed: isGuarded ? allowed.contains(name) : nil,
            hasJob: job != nil
        )
        if state != .dead {
            seen.result = result
            seen.mainCode = mainCode
            seen.mainStatus = mainStatus
            seen.mainPID = mainPID
            seen.restarts = restarts
            seen.invocation = invocation
        }
        return seen
    }
}

/// How one run goes, drawn when it begins.
struct RunPlan {
    /// Until the start is through; nil: never.
    var startTakes: SimSpan?
    var startFails = false
    /// How long it is up; nil: for ever. `.zero` ends with the start, as a oneshot does.
    var lives: SimSpan?
    var endsInFailure = false
    var stopTakes: SimSpan
    /// `RestartSec=`; nil: no automatic restart.
    var restartsAfter: SimSpan?

    init(_ behaviour: UnitSpec.Behaviour, machine: Int, isHealed: Bool, _ random: inout SimRandom) {
        startTakes = random.skewedSpan(.milliseconds(1), .milliseconds(50))
        stopTakes = random.skewedSpan(.milliseconds(1), .milliseconds(300))
        switch behaviour {
        case .good, .bad: break
        case .slow:
            startTakes = random.span(.seconds(1), .seconds(10))
            stopTakes = random.span(.seconds(1), .seconds(8))
        case .oneshot:
            startTakes = random.skewedSpan(.milliseconds(10), .seconds(3))
            lives = .zero
        case .flaky:
            guard !isHealed else { break }
            startFails = random.chance(250)
            if random.chance(500) {
                lives = random.skewedSpan(.milliseconds(100), .seconds(30))
                endsInFailure = true
            }
        case .failing: fail(&random)
        case .failingOnEven: if machine % 2 == 0 { fail(&random) }
        case .looping:
            fail(&random)
            restartsAfter = .seconds(2)
        case .limited:
            fail(&random)
            restartsAfter = .milliseconds(100)
        case .hanging: startTakes = nil
        }
    }

    private mutating func fail(_ random: inout SimRandom) {
        lives = random.skewedSpan(.milliseconds(5), .seconds(1))
        endsInFailure = true
    }
}
