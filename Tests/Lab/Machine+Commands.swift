extension Machine {
    /// Everything a command line inside the machine needs in front of it on the host.
    ///
    /// nsenter does not move the command into the machine's cgroups: it stays outside of what `freeze` stops, so a
    /// frozen machine's journal can still be read.
    package func commandLine(_ command: [String]) throws -> [String] {
        guard let process = firstProcess else {
            throw LabError("machine \(name) is not running. Console: \(console.suffix(500))")
        }
        return [
            "nsenter", "--target", "\(process.id)", "--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup",
            "--", "env", "--chdir=/root", "--ignore-environment",
            "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin",
            "HOME=/root", "LANG=C.UTF-8", "TERM=dumb",
        ] + command
    }

    /// Runs a command in the machine as root.
    package func run(
        _ command: [String],
        input: String = "",
        limit: Duration = .seconds(60)
    ) async throws -> CommandResult {
        var result = try await HostCommand.run(commandLine(command), input: input, limit: limit)
        result.command = "[\(name)] \(command.joined(separator: " "))"
        return result
    }

    /// Runs shell lines in the machine as root and returns what they printed; an error if they fail.
    @discardableResult
    package func shell(_ script: String) async throws -> String {
        try await run(["sh", "-euc", script]).checked().standardOutput
    }

    /// Writes a file in the machine, with the folders that lead to it.
    package func write(_ text: String, to path: String, mode: String = "644") async throws {
        let script = #"mkdir -p "$(dirname "$1")"; cat >"$1"; chmod "$2" "$1""#
        try await run(["sh", "-euc", script, "write", path, mode], input: text).checked()
    }

    /// Copies a file of the host into the machine.
    package func copyIn(_ hostPath: String, to path: String, mode: String = "644") async throws {
        guard let process = firstProcess else { throw LabError("machine \(name) is not running") }
        try await HostCommand.run(["install", "-D", "-m", mode, hostPath, "/proc/\(process.id)/root\(path)"]).checked()
    }

    /// Installs packages that lie on the host, `dpkg --install` in the machine, and returns what dpkg said.
    @discardableResult
    package func install(_ packages: [DebPackage]) async throws -> CommandResult {
        let folder = "/var/tmp/packages"
        var inside: [String] = []
        for package in packages {
            let path = "\(folder)/\(package.fileName)"
            try await copyIn(package.path, to: path)
            inside.append(path)
        }
        let result = try await run(["dpkg", "--force-confold", "--install"] + inside, limit: .seconds(120)).checked()
        try await shell("rm -rf \(folder)")
        return result
    }

    /// The journal of this boot, or the last lines of the disk's journal when the machine is off.
    package func journal(lines: Int = 5000) async throws -> String {
        let options = ["--no-pager", "--output=short-iso-precise", "--lines=\(lines)"]
        if isRunning { return try await run(["journalctl", "--boot"] + options).standardOutput }
        let disk = directory + "/upper/var/log/journal"
        return try await HostCommand.run(["journalctl", "--directory=\(disk)"] + options).standardOutput
    }

    /// `eventually`, which writes the journals of all machines of the lab to files when it fails, and says where.
    package func eventually<Value>(
        _ what: String,
        within limit: Duration = .seconds(20),
        poll interval: Duration = .milliseconds(200),
        _ check: () async throws -> Value
    ) async throws -> Value {
        do {
            return try await Lab.poll(what, within: limit, poll: interval, check)
        } catch {
            throw LabError("\(error)\n\(await lab.dumpJournals())")
        }
    }
}

extension Lab {
    /// The free function under a name that `Machine.eventually` does not hide.
    static func poll<Value>(
        _ what: String,
        within limit: Duration,
        poll interval: Duration,
        _ check: () async throws -> Value
    ) async throws -> Value {
        try await eventually(what, within: limit, poll: interval, check)
    }

    /// Writes every machine's journal to a file under `.lab/journals`; returns where, with the last lines of each.
    package func dumpJournals() async -> String {
        var report = ""
        for machine in machines {
            let text: String
            do { text = try await machine.journal() } catch { text = "no journal: \(error)" }
            let path = "\(LabDirectory.journals)/\(name)-\(machine.name).log"
            do {
                try Files.makeDirectory(LabDirectory.journals)
                try Files.write(text, to: path)
            } catch {
                report += "\(error)\n"
            }
            let tail = text.split(separator: "\n").suffix(40).joined(separator: "\n")
            report += "--- \(machine.name), end of its journal (all of it: \(path))\n\(tail)\n"
        }
        return report
    }

    /// Writes what every machine's journal has, of all its boots, and these lines into a folder; returns its path.
    package func keepJournals(_ name: String, with lines: [String]) async throws -> String {
        let folder = "\(LabDirectory.journals)/\(name)"
        try Files.makeDirectory(folder)
        try Files.write(lines.map { $0 + "\n" }.joined(), to: "\(folder)/log")
        for machine in machines {
            let disk = machine.directory + "/upper/var/log/journal"
            let text = try await HostCommand.run([
                "journalctl", "--directory=\(disk)", "--no-pager", "--quiet", "--output=short-iso-precise",
            ])
            try Files.write(text.standardOutput, to: "\(folder)/\(machine.name).log")
        }
        return folder
    }
}
