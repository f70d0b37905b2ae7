/// An operating system process: it can be killed, and stopped for a while (SIGSTOP), during which everything that comes
/// for it waits: answers, signals, timers.
final class SimProcess {
    /// Names one life of the process: what was begun in another one is of no interest.
    struct Ticket { fileprivate let life: Int }

    private unowned let world: SimWorld
    private var life = 0
    private(set) var isRunning = false
    private(set) var isPaused = false
    private var waiting: [() -> Void] = []

    init(world: SimWorld) { self.world = world }

    var ticket: Ticket { Ticket(life: life) }

    func start() {
        life += 1
        isRunning = true
        isPaused = false
        waiting = []
    }

    func kill() {
        life += 1
        isRunning = false
        isPaused = false
        waiting = []
    }

    func pause() { isPaused = isRunning }

    func resume() {
        guard isPaused else { return }
        isPaused = false
        let ticket = ticket
        let actions = waiting
        waiting = []
        for (index, action) in actions.enumerated() {
            guard life == ticket.life else { return }
            // Stopped again by what it did: the rest waits on.
            if isPaused {
                waiting.insert(contentsOf: actions[index...], at: 0)
                return
            }
            action()
        }
    }

    /// Does `action` in this process, now if it runs, when it runs again if it is stopped.
    func perform(_ ticket: Ticket, _ action: @escaping () -> Void) {
        guard ticket.life == life, isRunning else { return }
        if isPaused { waiting.append(action) } else { action() }
    }

    func after(_ span: SimSpan, _ action: @escaping () -> Void) {
        let ticket = ticket
        world.after(span) { self.perform(ticket, action) }
    }
}
