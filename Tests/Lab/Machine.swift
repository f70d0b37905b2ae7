/// A booted Debian machine: systemd as PID 1 with a disk, a network card, a host name and an id of its own.
///
/// The value is only a name; what is true of the machine is read from its folder and from /proc each time.
package struct Machine: Sendable {
    package let lab: Lab
    package let name: String

    /// Time for a boot on a busy host with two processors; alone it takes one second.
    private static let bootLimit = Duration.seconds(60)

    var directory: String { "\(lab.directory)/machines/\(name)" }
    private var pidFile: String { directory + "/nspawn.pid" }

    /// The machine's number in its lab, which makes its address.
    var slot: Int? { Files.text(directory + "/slot").flatMap { Int($0) } }

    /// The address every machine of the lab reaches it at.
    package var address: String { "10.90.0.\((slot ?? 0) + 1)" }

    /// Makes the disk and the identity of a machine.
    static func make(in lab: Lab, name: String, root: String) async throws -> Machine {
        let machine = Machine(lab: lab, name: name)
        try Files.makeDirectory(lab.directory + "/machines")
        guard Files.claimDirectory(machine.directory) else { throw LabError("machine \(name) exists already") }
        try Files.makeDirectory(lab.directory + "/slots")
        guard let slot = (1...200).first(where: { Files.claimDirectory("\(lab.directory)/slots/\($0)") }) else {
            throw LabError("lab \(lab.name) is full")
        }
        try Files.write("\(slot)", to: machine.directory + "/slot")
        try Files.write(root, to: machine.directory + "/root-path")
        for part in ["root", "work", "upper/etc/systemd/network"] {
            try Files.makeDirectory("\(machine.directory)/\(part)")
        }
        let etc = machine.directory + "/upper/etc"
        var random = SystemRandomNumberGenerator()
        // A version 4 UUID as systemd makes it; the rest of the lab is deterministic, an id has to be unique.
        let high = (random.next() as UInt64) & ~0xf000 | 0x4000
        let low = (random.next() as UInt64) & ~(0xc000 << 48) | (0x8000 << 48)
        try Files.write(hex(high) + hex(low) + "\n", to: etc + "/machine-id")
        try Files.write(name + "\n", to: etc + "/hostname")
        try Files.write(
            "[Match]\nName=host0\n[Network]\nAddress=\(machine.address)/24\nLinkLocalAddressing=no\nIPv6AcceptRA=no\n",
            to: etc + "/systemd/network/10-host0.network"
        )
        return machine
    }

    /// The content of its /etc/machine-id, also when it is off.
    package func id() throws -> String {
        guard let text = Files.text(directory + "/upper/etc/machine-id") else {
            throw LabError("machine \(name) has no id")
        }
        return text.split(separator: "\n").first.map(String.init) ?? ""
    }

    private static func hex(_ value: UInt64) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    /// systemd-nspawn's process, while it lives.
    package var supervisor: HostProcess? {
        HostProcess(record: Files.text(pidFile) ?? "").flatMap { $0.isAlive ? $0 : nil }
    }

    /// The machine's PID 1 as the host sees it.
    package var firstProcess: HostProcess? { supervisor?.children.first(where: \.isInit) }

    package var isRunning: Bool { firstProcess != nil }

    /// What the machine wrote on its console, PID 1's messages and nspawn's.
    package var console: String { Files.text(directory + "/console") ?? "" }

    /// A folder of the host for files that go with the machine.
    package var scratch: String { directory + "/scratch" }

    private var cgroup: String { "fleet-lab-\(lab.name)-\(name)" }

    /// Powers the machine on and returns when its systemd has started everything.
    func start() async throws {
        guard supervisor == nil else { throw LabError("machine \(name) runs already") }
        guard let root = Files.text(directory + "/root-path") else { throw LabError("machine \(name) has no disk") }
        let network = try await lab.network()
        try await Lab.launch(
            [
                "unshare", "--mount", "--propagation", "private", "sh", "-c", BootScript.machine, "boot", directory,
                root, "\(network.id)", "fl\(network.id)-\(name)", name, cgroup,
            ],
            console: directory + "/console"
        )
        try await eventually("machine \(name) has a systemd", within: Machine.bootLimit, poll: .milliseconds(20)) {
            guard let process = firstProcess else { throw NotYet("no PID 1. Console: \(console.suffix(2000))") }
            guard Files.exists("/proc/\(process.id)/root/run/systemd/private") else {
                throw NotYet("PID 1 does not listen. Console: \(console.suffix(2000))")
            }
        }
        try await eventually("machine \(name) answers", within: Machine.bootLimit, poll: .milliseconds(20)) {
            let state = try await run(["systemctl", "is-system-running", "--wait"], limit: Machine.bootLimit)
            if ["running\n", "degraded\n"].contains(state.standardOutput) { return }
            let problem = "\(state)\nConsole: \(console.suffix(2000))"
            // PID 1 has made its socket, and does not listen on it yet.
            if state.standardError.contains("Connection refused") { throw NotYet(problem) }
            throw LabError("machine \(name) did not come up: \(problem)")
        }
    }

    /// SIGKILL for PID 1: every process of the machine is gone in the same instant. The disk keeps what was written to
    /// it, also what was not synced (the host's page cache survives), so this proves nothing about fsync.
    package func powerCut() async throws {
        guard let process = firstProcess else { throw LabError("machine \(name) is not running") }
        process.send(9)
        try await waitUntilOff()
    }

    /// Switches the machine on again after a power cut or a shutdown, with the same disk.
    package func bootAgain() async throws { try await start() }

    /// `systemctl poweroff`, as an operator does it.
    package func shutDown() async throws {
        _ = try await run(["systemctl", "poweroff", "--no-block"])
        try await waitUntilOff()
    }

    /// `systemctl reboot`: an orderly stop and a new boot.
    package func reboot() async throws {
        // With --keep-unit nspawn ends at a reboot and leaves the new start to whoever started it.
        _ = try await run(["systemctl", "reboot", "--no-block"])
        try await waitUntilOff()
        try await start()
    }

    /// Stops every process of the machine in its tracks, as a hypervisor's pause does.
    package func freeze() throws { try setFrozen(true) }

    package func thaw() throws { try setFrozen(false) }

    private func setFrozen(_ frozen: Bool) throws {
        guard let supervisor else { throw LabError("machine \(name) is not running") }
        // nspawn's own mount namespace is where the version 2 hierarchy is always found at the same place.
        try Files.set(
            "/proc/\(supervisor.id)/root/sys/fs/cgroup/\(cgroup)/cgroup.freeze",
            to: frozen ? "1" : "0"
        )
    }

    private func waitUntilOff() async throws {
        try await eventually("machine \(name) is off", within: .seconds(100), poll: .milliseconds(20)) {
            if let supervisor { throw NotYet("process \(supervisor.id) lives") }
        }
    }

    /// Takes the machine away with its disk, in whatever state it is.
    package func destroy() async throws {
        if supervisor != nil {
            try? thaw()
            firstProcess?.send(9)
            do {
                try await eventually("\(name) is gone", within: .seconds(10), poll: .milliseconds(20)) {
                    if let supervisor { throw NotYet("process \(supervisor.id) lives") }
                }
            } catch {
                supervisor?.send(9)
            }
        }
        try await removeCgroup()
        try await HostCommand.run(["rm", "-rf", "--one-file-system", directory]).checked()
        if let slot { _ = try await HostCommand.run(["rmdir", "\(lab.directory)/slots/\(slot)"]) }
    }

    /// The cgroup is the one thing of a machine that does not go with its processes.
    private func removeCgroup() async throws {
        let mounts = (Files.text("/proc/self/mounts") ?? "").split(separator: "\n").map { $0.split(separator: " ") }
        for mount in mounts where mount.count > 2 && mount[2] == "cgroup2" {
            let path = "\(mount[1])/\(cgroup)"
            guard Files.exists(path) else { continue }
            try await eventually("\(path) is gone", within: .seconds(10), poll: .milliseconds(20)) {
                let removal = try await HostCommand.run([
                    "find", path, "-depth", "-type", "d", "-exec", "rmdir", "{}", "+",
                ])
                if Files.exists(path) { throw NotYet(removal.standardError) }
            }
        }
    }
}
