extension Machine {
    /// The main processes of all loaded units that match one of the patterns; units without one are left out.
    package func mainProcesses(_ patterns: [String]) async throws -> [String: Int] {
        let show = try await run(["systemctl", "show", "--property=Id,MainPID"] + patterns).checked()
        var processes: [String: Int] = [:]
        for block in show.standardOutput.split(separator: "\n\n") {
            var values: [Substring: Substring] = [:]
            for line in block.split(separator: "\n") {
                let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                if parts.count == 2 { values[parts[0]] = parts[1] }
            }
            if let id = values["Id"], let process = values["MainPID"].flatMap({ Int($0) }), process > 0 {
                processes[String(id)] = process
            }
        }
        return processes
    }

    /// Every service that has a process, by the kernel's word: processes that systemd has lost sight of are in there.
    package func servicesWithProcesses() async throws -> Set<String> {
        // A process that ends meanwhile is no error.
        let script = #"""
            cat /proc/[0-9]*/cgroup 2>/dev/null | sed -n 's,^0::.*/\([^/]*\.service\)\(/.*\)\?$,\1,p' | sort -u
            """#
        return Set(try await shell(script).split(separator: "\n").map(String.init))
    }
}
