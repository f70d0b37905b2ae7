/// The faults of a seed: the same for the same seed and number, whatever happens when they are carried out.
package enum FaultPlan {
    /// Machines m1 to m5.
    package static let machines = 5
    /// Members of etcd, on the first machines.
    package static let members = 3

    /// Mostly what people have every week, and now and then a registry without a quorum, or a dark room.
    private static let weights: [(Fault.Kind, weight: Int)] = [
        (.fleetdKilled, 12), (.fleetdPaused, 14), (.fleetdRestarted, 8), (.powerCut, 13), (.reboot, 7),
        (.cableUnplugged, 8), (.cableSilent, 8), (.memberKilled, 8), (.memberPaused, 8), (.memberRestarted, 8),
        (.quorumLost, 6), (.mostLost, 6), (.unitKilled, 8), (.unitFails, 7),
    ]
    /// 200 faults are 15 minutes, and two or three go on at a time.
    private static let gap = 500...8000
    /// Draws before a fault gives way to one that needs nothing for itself.
    private static let draws = 20

    package static func make(seed: UInt64, count: Int) -> [Fault] {
        var random = SeededRandom(seed: seed)
        var busyUntil: [Fault.Resource: Duration] = [:]
        var now = Duration.zero
        var faults: [Fault] = []
        for number in 1...max(count, 1) {
            let gap = random.duration(milliseconds: gap)
            now += gap
            var fault = draw(number, gap, &random)
            for _ in 0..<draws where fault.resources.contains(where: { busyUntil[$0] ?? .zero > now }) {
                fault = draw(number, gap, &random)
            }
            if fault.resources.contains(where: { busyUntil[$0] ?? .zero > now }) {
                fault.kind = .unitKilled
                fault.length = .zero
            }
            for resource in fault.resources { busyUntil[resource] = now + fault.length + fault.recovery }
            faults.append(fault)
        }
        return faults
    }

    private static func draw(_ number: Int, _ gap: Duration, _ random: inout SeededRandom) -> Fault {
        let kind = random.pick(weighted: weights)
        return Fault(
            number: number,
            kind: kind,
            machine: random.below(isOfMember(kind) ? members : machines),
            gap: gap,
            length: length(kind, &random),
            unit: random.below(1 << 20)
        )
    }

    private static func isOfMember(_ kind: Fault.Kind) -> Bool {
        [.memberKilled, .memberPaused, .memberRestarted, .quorumLost, .mostLost].contains(kind)
    }

    /// Both shorter and longer than the leases, which are 10 s for a machine and 5 s for the leader; fleetd's watchdog
    /// would end a pause of 30 s.
    private static func length(_ kind: Fault.Kind, _ random: inout SeededRandom) -> Duration {
        switch kind {
        case .powerCut, .cableUnplugged, .cableSilent, .unitFails: random.duration(milliseconds: 0...20_000)
        // Longer than a machine's lease, or nobody would notice that they were lost together.
        case .mostLost: random.duration(milliseconds: 12_000...20_000)
        case .fleetdPaused: random.duration(milliseconds: 1000...15_000)
        case .memberPaused: random.duration(milliseconds: 500...10_000)
        case .quorumLost: random.duration(milliseconds: 1000...8000)
        case .fleetdKilled, .fleetdRestarted, .reboot, .memberKilled, .memberRestarted, .unitKilled: .zero
        }
    }
}
