/// What users were told. A request that was acknowledged holds from then on; one whose outcome nobody knows makes what
/// it asked for possible beside what was there before.
actor Memory {
    enum Target: String, Hashable, Sendable {
        case launched, loaded
        case absent
    }

    private var possible: [String: Set<Target>] = [:]
    private(set) var acknowledged = 0
    private(set) var unknown = 0

    func targets(of unit: String) -> Set<Target> { possible[unit] ?? [.absent] }

    /// A request for a target state ended.
    func note(_ unit: String, _ target: Target, isAcknowledged: Bool) {
        count(isAcknowledged)
        possible[unit] = isAcknowledged ? [target] : targets(of: unit).union([target])
    }

    /// A request that changes no target state ended.
    func count(_ isAcknowledged: Bool) {
        if isAcknowledged { acknowledged += 1 } else { unknown += 1 }
    }
}
