import UnitFile

/// Which options of `[X-Fleet]` exclude each other: fleet's own rules, with the lines named, and those of the new keys.
struct FleetRules {
    let section: FleetSection
    let options: FleetOptions

    func check() throws(UnitFileError) {
        for other in [FleetKey.machineOf, .conflicts, .global, .replaces] {
            try exclude(.machineID, other, "the machine is named already, so remove one of them")
        }
        try exclude(
            .global,
            .machineOf,
            "a global unit runs on every eligible machine; limit those with MachineMetadata=, or remove one of them"
        )
        try exclude(
            .global,
            .replaces,
            "a global unit has nowhere to move to; use Conflicts=, or remove one of them"
        )
        try exclude(
            .conflicts,
            .replaces,
            "the first keeps units away and the second makes them move; remove one of them"
        )
        try exclude(
            .atMostOnce,
            .global,
            "a global unit runs on every eligible machine; remove one of them"
        )
        try exclude(
            .global,
            .volumePolicy,
            "a global unit has a volume of its own on every machine; remove one of them"
        )
        for (place, first) in FleetKey.healthChecks.enumerated() {
            for second in FleetKey.healthChecks.dropFirst(place + 1) {
                try exclude(first, second, "a unit has one check; remove one of them")
            }
        }
        try checkPeers()
        try checkDelays()
    }

    private func exclude(_ first: FleetKey, _ second: FleetKey, _ wayOut: String) throws(UnitFileError) {
        guard let left = place(of: first), let right = place(of: second) else { return }
        let (earlier, later) = left.line <= right.line ? (left, right) : (right, left)
        throw section.file.error(
            at: later,
            "\(later.key)= cannot be used with \(earlier.key)= of line \(earlier.line): \(wayOut)"
        )
    }

    /// Where a key is in force; nil for a boolean that says no.
    private func place(of key: FleetKey) -> ParsedUnitFile.Option? {
        switch key {
        case .global where !options.isGlobal, .atMostOnce where !options.atMostOnce,
            .volumePolicy where options.volumePolicy != .sticky:
            nil
        default: section.values[key]?.last?.option
        }
    }

    private func checkPeers() throws(UnitFileError) {
        guard let place = place(of: .machineOf) else { return }
        for peer in options.machineOf {
            if let pattern = options.conflict(with: peer) { throw unresolvable(place, peer, "conflict", pattern) }
            if let pattern = options.replaces.first(where: { $0.matches(peer.description) }) {
                throw unresolvable(place, peer, "replace", pattern)
            }
        }
    }

    private func unresolvable(
        _ place: ParsedUnitFile.Option,
        _ peer: UnitName,
        _ kind: String,
        _ pattern: UnitPattern
    ) -> UnitFileError {
        section.file.error(
            at: place,
            "unresolvable requirements: peer \"\(peer)\" matches \(kind) \"\(pattern)\", "
                + "so no machine can ever take this unit; remove one of them"
        )
    }

    private func checkDelays() throws(UnitFileError) {
        let policy = options.reschedule
        guard policy.maximumDelay < policy.delay, let place = place(of: .rescheduleMaxDelay) else { return }
        throw section.file.error(
            at: place,
            "RescheduleMaxDelaySec= (\(TimeSpan.format(policy.maximumDelay))) is less than RescheduleDelaySec= "
                + "(\(TimeSpan.format(policy.delay))); swap them or remove one"
        )
    }
}
