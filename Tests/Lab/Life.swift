/// One process of a unit that leaves a mark every hundredth of a second: on which machine, and from its first mark to
/// its last, in seconds of the host's clock, which all machines share.
package struct Life: Hashable, Sendable, CustomStringConvertible {
    package var machine: String
    /// systemd's invocation id: numbers of processes come again after a boot.
    package var invocation: String
    package var first: Double
    package var last: Double
    /// The last first mark after a gap of more than a second, for a process that was frozen.
    package var woken: Double?

    package var description: String { "\(machine)/\(invocation.prefix(6)) \(first)...\(last)" }

    /// The `ExecStart=` command of a unit that leaves marks in a file.
    ///
    /// Waiting on a pipe that nobody writes to costs no process, where sleep(1) costs a hundred a second. `stubborn` is
    /// the beginning of a shell line: `trap "" TERM;` for a unit that does not go before it is killed.
    package static func command(marks: String, stubborn: String = "") -> String {
        "/bin/bash -c '\(stubborn) exec {pipe}<> <(:); while :; do echo $$EPOCHREALTIME $$INVOCATION_ID >>\(marks); "
            + "read -t 0.01 -u $$pipe; done'"
    }

    /// Everything that marks in a file say on machines that run, oldest first. The work is done there: the marks of
    /// minutes are megabytes.
    package static func all(marks: String, on machines: [Machine]) async throws -> [Life] {
        let script = #"""
            test -e MARKS || exit 0
            # The last line before a power cut may be torn.
            awk 'NF == 2 && length($2) == 32 {
                if (!($2 in first)) first[$2] = $1
                else if ($1 - last[$2] > 1) woken[$2] = $1
                last[$2] = $1
            } END { for (id in first) print id, first[id], last[id], (id in woken) ? woken[id] : "-" }' MARKS
            """#
        let found = try await concurrently(machines) { machine in
            try await machine.shell(script.replacing("MARKS", with: marks)).split(separator: "\n").compactMap { line in
                let words = line.split(separator: " ")
                guard words.count == 4, let first = Double(words[1]), let last = Double(words[2]) else {
                    throw LabError("\(machine.name) printed of \(marks): \(line)")
                }
                return Life(
                    machine: machine.name,
                    invocation: String(words[0]),
                    first: first,
                    last: last,
                    woken: Double(words[3])
                )
            }
        }
        return found.flatMap { $0 }.sorted { ($0.first, $0.machine) < ($1.first, $1.machine) }
    }

    /// The smallest time between one life and the next, in seconds; nil for one life. Negative when two overlap: for so
    /// long both left marks.
    package static func smallestGap(_ lives: [Life]) -> Double? {
        var smallest: Double?
        var end: Double?
        for life in lives {
            if let end { smallest = min(smallest ?? .infinity, life.first - min(end, life.last)) }
            end = max(end ?? life.last, life.last)
        }
        return smallest
    }
}
