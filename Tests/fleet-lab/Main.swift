import ArgumentParser
import Lab

/// Boots real Debian machines from the shell, for whoever mends a test or looks at a behaviour.
@main
struct FleetLab: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fleet-lab",
        abstract: "Real systemd machines on this host.",
        subcommands: [Root.self, Boot.self, Exec.self, Shell.self, Power.self, Down.self, List.self]
    )
}

extension Debian: ExpressibleByArgument {}

/// What every command about a machine of a lab needs.
struct LabOptions: ParsableArguments {
    @Option(help: "The lab the machine is in; machines of one lab reach one another.")
    var lab = "desk"

    func open() async throws -> Lab { try await Lab.kept(lab) }
}

struct Root: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Build the machines' root file systems, once.")

    @Argument(help: "Debian releases; none means all.")
    var suites: [Debian] = []

    @Option(name: .customLong("with"), help: "A package beyond the base; may be repeated.")
    var extraPackages: [String] = []

    func run() async throws {
        for suite in suites.isEmpty ? Debian.allCases : suites {
            let root = RootFileSystem(suite, with: extraPackages)
            try await root.build()
            print("\(suite.rawValue)\t\(root.path)")
        }
    }
}

struct Boot: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Boot new machines and leave them running.")

    @OptionGroup var options: LabOptions
    @Argument(help: "Their host names.")
    var names: [String]
    @Option(help: "Their Debian release.")
    var suite = Debian.trixie
    @Option(help: "A package file to install; may be repeated.")
    var deb: [String] = []
    @Option(name: .customLong("with"), help: "A package of the root beyond the base; may be repeated.")
    var extraPackages: [String] = []
    @Flag(help: "What podman stores survives a power cut.")
    var keepContainers = false
    @Option(help: "A cluster of so many members of etcd on the first machines, and fleet.conf of all says so.")
    var etcd = 0

    func validate() throws {
        guard (0...names.count).contains(etcd) else { throw ValidationError("--etcd needs a machine for each member") }
    }

    func run() async throws {
        let machines = try await options.open().boot(
            names,
            suite: suite,
            with: extraPackages,
            keepsContainers: keepContainers
        )
        if etcd > 0 {
            let cluster = Etcd(members: Array(machines.prefix(etcd)))
            try await cluster.start()
            try await concurrently(machines) { machine in
                try await machine.write(cluster.settings, to: "/etc/fleet/fleet.conf")
            }
        }
        let packages = deb.map(DebPackage.init(path:))
        if !packages.isEmpty { try await concurrently(machines) { _ = try await $0.install(packages) } }
        for machine in machines { print("\(machine.name)\t\(suite.rawValue)\t\(machine.address)") }
    }
}

struct Exec: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Run a command in a machine.")

    @OptionGroup var options: LabOptions
    @Argument var name: String
    @Argument(parsing: .captureForPassthrough) var command: [String]

    func run() async throws {
        let machine = try await options.open().machine(name)
        let words = command.first == "--" ? Array(command.dropFirst()) : command
        throw ExitCode(try await HostCommand.runAttached(machine.commandLine(words)))
    }
}

struct Shell: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "A shell in a machine.")

    @OptionGroup var options: LabOptions
    @Argument var name: String

    func run() async throws {
        let machine = try await options.open().machine(name)
        let shell = try machine.commandLine(["TERM=xterm", "PS1=\(name)# ", "bash", "--norc", "-i"])
        throw ExitCode(try await HostCommand.runAttached(shell))
    }
}

struct Power: AsyncParsableCommand {
    enum Action: String, CaseIterable, ExpressibleByArgument {
        case cut, on, reboot, freeze, thaw, unplug, silence, plug
    }

    static let configuration = CommandConfiguration(
        abstract: "Cut a machine's power, boot it again, freeze it, cut its cable."
    )

    @OptionGroup var options: LabOptions
    @Argument var name: String
    @Argument var action: Action

    func run() async throws {
        let machine = try await options.open().machine(name)
        switch action {
        case .cut: try await machine.powerCut()
        case .on: try await machine.bootAgain()
        case .reboot: try await machine.reboot()
        case .freeze: try machine.freeze()
        case .thaw: try machine.thaw()
        case .unplug: try await machine.cutCable(.unplugged)
        case .silence: try await machine.cutCable(.silent)
        case .plug: try await machine.mendCable()
        }
    }
}

struct Down: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Take machines away with their disks.")

    @OptionGroup var options: LabOptions
    @Argument(help: "The machines; none means all of the lab.")
    var names: [String] = []
    @Flag(help: "All machines of all labs of this checkout.")
    var all = false

    func run() async throws {
        if all {
            for lab in Lab.all { try await lab.shutdown() }
            return
        }
        let lab = try await options.open()
        for name in names { try await lab.machine(name).destroy() }
        if names.isEmpty || lab.machines.isEmpty { try await lab.shutdown() }
    }
}

struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "The machines there are.")

    func run() async throws {
        for lab in Lab.all {
            for machine in lab.machines {
                let state = machine.firstProcess.map { "running as process \($0.id)" } ?? "off"
                print("\(lab.name)\t\(machine.name)\t\(machine.address)\t\(state)")
            }
        }
    }
}
