/// SplitMix64 (Steele, Lea, Flood 2014): small, fast, and the same on every machine and in every version of Swift.
///
/// Every purpose has a stream of its own (`split`), so that one draw more in one place does not change what happens in
/// all others.
struct SimRandom {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    /// A generator for another purpose, which tells nothing of this one.
    func split(_ purpose: UInt64) -> SimRandom {
        var mixed = SimRandom(seed: state ^ (purpose &* 0xd6e8_feb8_6659_fd93))
        return SimRandom(seed: mixed.next())
    }

    /// From 0 up to, without, `bound`. The bias of the remainder is of no interest here.
    mutating func below(_ bound: Int) -> Int {
        precondition(bound > 0, "nothing is below \(bound)")
        return Int(next() % UInt64(bound))
    }

    /// True with a probability in per mille.
    mutating func chance(_ perMille: Int) -> Bool { perMille > 0 && below(1000) < perMille }

    mutating func pick<Element>(_ elements: [Element]) -> Element? {
        elements.isEmpty ? nil : elements[below(elements.count)]
    }

    /// An index, each with its weight; nil when all weights are zero.
    mutating func weighted(_ weights: [Int]) -> Int? {
        let sum = weights.reduce(0, +)
        guard sum > 0 else { return nil }
        var place = below(sum)
        for (index, weight) in weights.enumerated() {
            if place < weight { return index }
            place -= weight
        }
        return nil
    }

    mutating func span(_ shortest: SimSpan, _ longest: SimSpan) -> SimSpan {
        let width = longest.microseconds - shortest.microseconds
        guard width > 0 else { return shortest }
        return SimSpan(microseconds: shortest.microseconds + Int64(next() % UInt64(width)))
    }

    /// Short ones are as likely as long ones: the width is halved a random number of times. Most delays are short in
    /// nature, and the long ones are what finds mistakes.
    mutating func skewedSpan(_ shortest: SimSpan, _ longest: SimSpan) -> SimSpan {
        let width = (longest.microseconds - shortest.microseconds) >> Int64(below(8))
        return span(shortest, SimSpan(microseconds: shortest.microseconds + max(width, 1)))
    }
}
