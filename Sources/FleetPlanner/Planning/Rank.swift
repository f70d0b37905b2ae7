/// How good an eligible machine is for a unit: smaller is better, and the first part that differs decides. A new
/// consideration is one more field at its place in `<`.
struct Rank: Comparable {
    /// 0 for the machine the unit is on at present: what need not move does not.
    var isElsewhere: Int
    /// 1 for a machine on which many units fail.
    var isFaulty: Int
    /// How often the unit failed there lately.
    var failures: Int
    /// How many units would have to leave.
    var displaced: Int
    /// How many units are there that are loaded or run.
    var load: Int
    /// The unit's image would have to be pulled first.
    var lacksImage: Bool
    /// The position of the machine's id among all: ties are broken by id.
    var slot: Int

    /// What a pull weighs, in units: so little that an image draws no crowd to the first machine that has it.
    private static let pull = 2

    private var weight: Int { load + (lacksImage ? Self.pull : 0) }

    static func < (left: Rank, right: Rank) -> Bool {
        if left.isElsewhere != right.isElsewhere { return left.isElsewhere < right.isElsewhere }
        if left.isFaulty != right.isFaulty { return left.isFaulty < right.isFaulty }
        if left.failures != right.failures { return left.failures < right.failures }
        if left.displaced != right.displaced { return left.displaced < right.displaced }
        if left.weight != right.weight { return left.weight < right.weight }
        return left.slot < right.slot
    }
}
