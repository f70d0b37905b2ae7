import Lab

/// How fleetd got through the storm on one machine.
struct MachineReport: Sendable {
    var lines: [String] = []
    var problems: [String] = []

    /// What a journal says of a program that died by itself; whatever is killed from outside says `9/KILL`.
    private static let crashes = [
        "Fatal error", "Crash:", "status=4/ILL", "status=5/TRAP", "status=6/ABRT", "status=7/BUS", "status=11/SEGV",
        "code=dumped", "core-dump", "Watchdog timeout", "A plan broke a rule",
    ]

    init(of machine: Machine) async throws {
        let processes = try await machine.mainProcesses(["fleetd.service"])
        guard let process = processes["fleetd.service"] else {
            problems.append("\(machine.name): fleetd does not run")
            return
        }
        let memory = try await machine.shell(
            "awk '/^(VmRSS|VmHWM|Threads)/ { printf \"%s%s \", $1, $2 }' /proc/\(process)/status"
        )
        let journal = try await machine.run([
            "journalctl", "--unit=fleetd.service", "--no-pager", "--quiet", "--output=short-iso-precise",
        ])
        let found = journal.lines.filter { line in Self.crashes.contains { line.contains($0) } }
        problems += found.prefix(5).map { "\(machine.name): \($0)" }
        let starts = journal.lines.filter { $0.contains("Started fleetd.service") }.count
        lines.append("\(machine.name)\tfleetd started \(starts) times\t\(memory)(kB)\t\(found.count) crashes")
    }
}
