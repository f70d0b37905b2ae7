import Lab

/// Mistakes that the checks have to find: a check that never fails proves nothing.
extension ChaosRun {
    /// Leaves marks as the unit does, on a machine that does not have it.
    func plantCopy(_ site: Site) async throws {
        guard let unit = Workload.units.first(where: { $0.kind == .atMostOnce }) else { return }
        let marks = Workload.marks(Workload.instance(unit))
        try await eventually("a second copy of \(unit.name) leaves marks", within: .seconds(60)) {
            let running = site.machines.filter(\.isRunning)
            let found = try await concurrently(running) { try await $0.mainProcesses([unit.name]).isEmpty }
            let places = zip(running, found)
            guard found.contains(false), let free = places.first(where: { $0.1 })?.0 else { throw NotYet("\(found)") }
            try await free.shell(
                """
                id=$(tr -d - </proc/sys/kernel/random/uuid); end=$(($(date +%s) + 2))
                while [ "$(date +%s)" -lt "$end" ]; do echo "$(date +%s.%N) $id" >>\(marks); sleep 0.05; done
                """
            )
        }
    }

    func plantAfterwards(_ site: Site, _ memory: Memory) async throws {
        switch plant {
        case .loss:
            for unit in Workload.units where await memory.targets(of: unit.name) == [.launched] {
                for key in ["units", "targets"] { try await site.etcd.control(["del", "/fleet/\(key)/\(unit.name)"]) }
                return
            }
        case .stray:
            try await site.machine(3).shell("systemd-run --quiet --unit=plain@99.service sleep infinity")
        case .copy, nil: return
        }
    }
}
