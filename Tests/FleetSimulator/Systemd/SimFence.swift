import FleetAgent
import UnitFile

/// What systemd does for at-most-once units whatever becomes of fleetd: `Fence` as `SystemdBus` implements it.
final class SimFence {
    private unowned let world: SimWorld
    private unowned let systemd: SimSystemd
    private let clock: SimClock
    /// Which folder of allowed units is in place; the fence moves it away.
    private var folder = 0
    private var isThere = false
    private var timer = 0

    /// The folder that one life of fleetd holds open.
    struct Handle: Equatable {
        var folder: Int?
    }

    init(_ systemd: SimSystemd, clock: SimClock) {
        self.systemd = systemd
        self.clock = clock
        world = systemd.world
    }

    func open(_ handle: inout Handle) -> Set<UnitName> {
        handle.folder = isThere ? folder : nil
        return isThere ? systemd.allowed : []
    }

    func arm(deadline: Duration, _ handle: inout Handle) -> FenceAnswer {
        if let mine = handle.folder, mine != folder || !isThere {
            handle.folder = nil
            return .fired
        }
        make(&handle)
        guard deadline > clock.elapsed else { return .fired }
        set(deadline)
        return .done
    }

    private func set(_ deadline: Duration) {
        timer += 1
        let set = timer
        world.after(clock.lasting(SimSpan(deadline - clock.elapsed))) { if set == self.timer { self.comeDown() } }
    }

    func disarm() { timer += 1 }

    func allow(_ unit: UnitName, _ handle: inout Handle) -> FenceAnswer {
        if handle.folder == nil { make(&handle) }
        guard isThere, handle.folder == folder else { return .fired }
        systemd.allow(unit)
        return .done
    }

    func forbid(_ unit: UnitName, _ handle: Handle) {
        if isThere, handle.folder == folder { systemd.forbid(unit) }
    }

    private func make(_ handle: inout Handle) {
        if !isThere {
            folder += 1
            isThere = true
        }
        handle.folder = folder
    }

    private func comeDown() {
        world.note { "m\(systemd.machine) fence" }
        isThere = false
        systemd.fence()
    }

    /// `/run` and all timers are gone.
    func powerCut() {
        timer += 1
        isThere = false
    }
}
