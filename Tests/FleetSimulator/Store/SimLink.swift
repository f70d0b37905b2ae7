/// The network between one machine and the registry.
final class SimLink {
    private unowned let world: SimWorld
    private var random: SimRandom
    /// A pulled cable: nothing gets through, and nobody is told.
    private(set) var isCut = false
    /// Watches are behind by this much.
    var lag = SimSpan.zero
    private var watches: [SimWatch] = []

    init(world: SimWorld, index: Int) {
        self.world = world
        random = world.random(.network, index)
    }

    func delay() -> SimSpan { random.skewedSpan(SimSpan(microseconds: 50), world.options.latency) }

    func loses() -> Bool { world.phase == .faults && random.chance(world.options.loss) }

    func chance(_ perMille: Int) -> Bool { random.chance(perMille) }

    func span(_ shortest: SimSpan, _ longest: SimSpan) -> SimSpan { random.span(shortest, longest) }

    func cut() {
        isCut = true
        for watch in watches { watch.stall() }
    }

    func mend() {
        isCut = false
        for watch in watches { watch.goOn() }
    }

    /// The connection breaks and both sides know.
    func disconnect() {
        for watch in watches { watch.breakOff() }
    }

    func end() { watches = [] }

    func add(_ watch: SimWatch) { watches.append(watch) }
    func remove(_ watch: SimWatch) { watches.removeAll { $0 === watch } }
}
