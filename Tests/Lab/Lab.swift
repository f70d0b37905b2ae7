import FoundationEssentials

/// Machines that can reach one another and nothing else.
///
/// A lab is a folder: what runs is found from the files in it, never from memory, so another process (a person at the
/// shell, or the run after one that was killed) can take over. A lab with an owner is taken down at the first start of
/// another one after its owner has gone; a lab without stays.
package struct Lab: Sendable {
    package let name: String

    var directory: String { "\(LabDirectory.labs)/\(name)" }
    private var ownerFile: String { directory + "/owner" }
    private var networkFile: String { directory + "/network.pid" }

    /// A lab of this process, with a name no other process has.
    package static func start() async throws -> Lab {
        try await requireRoot()
        try await removeStale()
        guard let me = HostProcess.current else { throw LabError("/proc is not mounted") }
        for number in 1... {
            let lab = Lab(name: "t\(me.id)-\(number)")
            try Files.makeDirectory(LabDirectory.labs)
            guard Files.claimDirectory(lab.directory) else { continue }
            try Files.write(me.record, to: lab.ownerFile)
            return lab
        }
        throw LabError("no free name for a lab")
    }

    /// The lab of this name that outlives the process, made when there is none.
    package static func kept(_ name: String = "desk") async throws -> Lab {
        try await requireRoot()
        try await removeStale()
        let lab = Lab(name: name)
        try Files.makeDirectory(lab.directory)
        return lab
    }

    /// Every lab that has a folder.
    package static var all: [Lab] { Files.names(in: LabDirectory.labs).map(Lab.init(name:)) }

    /// Runs `body` with a lab of its own and takes it down afterwards, whether `body` throws or not.
    package static func with<Value>(_ body: (Lab) async throws -> Value) async throws -> Value {
        let lab = try await start()
        do {
            let value = try await body(lab)
            try await lab.shutdown()
            return value
        } catch {
            try? await lab.shutdown()
            throw error
        }
    }

    private init(name: String) { self.name = name }

    /// Machines in the order they were made.
    package var machines: [Machine] {
        Files.names(in: directory + "/machines").map { Machine(lab: self, name: $0) }
            .sorted { ($0.slot ?? 0, $0.name) < ($1.slot ?? 0, $1.name) }
    }

    package func machine(_ name: String) throws -> Machine {
        guard let machine = machines.first(where: { $0.name == name }) else {
            let known = machines.map(\.name).joined(separator: ", ")
            throw LabError(
                "there is no machine \(name) in lab \(self.name); machines: \(known.isEmpty ? "none" : known)"
            )
        }
        return machine
    }

    /// Boots a new machine and returns when its systemd has started everything.
    package func boot(
        _ name: String,
        suite: Debian = .trixie,
        with extraPackages: [String] = []
    ) async throws -> Machine {
        let root = RootFileSystem(suite, with: extraPackages)
        try await root.build()
        let machine = try await Machine.make(in: self, name: name, root: root.path)
        try await machine.start()
        return machine
    }

    /// Boots several new machines at the same time; they come back in the order of the names, with addresses in it.
    /// `keepsContainers`: what podman stores survives a power cut, as on a real machine's disk; otherwise it is in
    /// memory.
    package func boot(
        _ names: [String],
        suite: Debian = .trixie,
        with extraPackages: [String] = [],
        keepsContainers: Bool = false
    ) async throws -> [Machine] {
        let root = RootFileSystem(suite, with: extraPackages)
        try await root.build()
        // Each would start the network if it found none.
        _ = try await network()
        var machines: [Machine] = []
        for name in names {
            let machine = try await Machine.make(in: self, name: name, root: root.path)
            if keepsContainers { try Files.makeDirectory(machine.directory + "/containers") }
            machines.append(machine)
        }
        try await concurrently(machines) { try await $0.start() }
        return machines
    }

    /// Takes every machine down, the youngest first, and removes all the lab has.
    package func shutdown() async throws {
        for machine in machines.reversed() { try await machine.destroy() }
        if let network = HostProcess(record: Files.text(networkFile) ?? "") { network.send(9) }
        try await HostCommand.run(["rm", "-rf", "--one-file-system", directory]).checked()
    }

    /// The process that holds the network, started when it does not run.
    func network() async throws -> HostProcess {
        if let running = HostProcess(record: Files.text(networkFile) ?? ""), running.isAlive { return running }
        try await Lab.launch(
            ["unshare", "--net", "sh", "-c", BootScript.network, "network", networkFile],
            console: directory + "/network.log"
        )
        return try await eventually("the network of lab \(name) is up", within: .seconds(10), poll: .milliseconds(10)) {
            guard let process = HostProcess(record: Files.text(networkFile) ?? ""), process.isAlive else {
                throw NotYet(Files.text(directory + "/network.log") ?? "no process")
            }
            return process
        }
    }

    /// Starts a process that lives on without us, its output in a file.
    static func launch(_ command: [String], console: String) async throws {
        let script = #"console=$1; shift; exec setsid --fork "$@" </dev/null >"$console" 2>&1"#
        try await HostCommand.run(["sh", "-c", script, "launch", console] + command).checked()
    }

    /// Takes down labs whose owner is gone: a test run that was killed leaves its machines running.
    private static func removeStale() async throws {
        for lab in all {
            guard let record = Files.text(lab.ownerFile), let owner = HostProcess(record: record) else { continue }
            if !owner.isAlive { try await lab.shutdown() }
        }
    }

    private static func requireRoot() async throws {
        guard isUsable.isEmpty else { throw LabError(isUsable) }
    }

    /// Whether a machine's systemd can enforce limits of a kind (`memory`, say): only a host without version 1
    /// controllers can hand them on.
    package static func hasController(_ name: String) -> Bool {
        let controllers = Files.text("/sys/fs/cgroup/cgroup.controllers") ?? ""
        return controllers.split(whereSeparator: \.isWhitespace).contains { $0 == name }
    }

    /// Empty when machines can be booted here; otherwise why not.
    package static let isUsable: String = {
        let id = Files.text("/proc/self/status")?.split(separator: "\n").first { $0.hasPrefix("Uid:") }
        guard id?.split(separator: "\t").dropFirst(2).first == "0" else { return "root is needed to boot machines" }
        for tool in ["systemd-nspawn", "mmdebstrap", "nsenter", "unshare"]
        where !["/usr/bin", "/usr/sbin", "/bin", "/sbin"].contains(where: { Files.exists("\($0)/\(tool)") }) {
            return "\(tool) is not installed: run packaging/setup"
        }
        return ""
    }()
}
