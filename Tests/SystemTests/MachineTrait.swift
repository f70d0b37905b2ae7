import Lab
import Testing

/// Boots what a suite or a test runs on, and takes it down afterwards whatever happened.
struct MachineTrait<Booted: Sendable>: SuiteTrait, TestTrait, TestScoping {
    /// Where what was booted is found.
    let current: TaskLocal<Booted?>
    let boot: @Sendable (Lab) async throws -> Booted

    /// Once around the whole suite: its tests share the machines, and use names of their own.
    var isRecursive: Bool { false }

    func provideScope(
        for test: Test,
        testCase: Test.Case?,
        performing function: @Sendable () async throws -> Void
    ) async throws {
        guard Conditions.missing.isEmpty else { return try await function() }
        try await Lab.with { lab in
            let booted = try await boot(lab)
            try await current.withValue(booted) { try await function() }
        }
    }
}

/// What the running suite has.
private enum Current {
    @TaskLocal static var fleet: Fleet?
    @TaskLocal static var machines: Machines?
}

extension Trait where Self == MachineTrait<Fleet> {
    /// One machine with the packages. `configuration` is /etc/fleet/fleet.conf before fleetd starts for the first time.
    /// `packages` are Debian's, beside those that every machine has.
    static func machine(
        _ suite: Debian = .trixie,
        with packages: [String] = [],
        configuration: String = ""
    ) -> MachineTrait<Fleet> {
        MachineTrait(current: Current.$fleet) { lab in
            let machine = try await lab.boot("m1", suite: suite, with: packages)
            if !configuration.isEmpty { try await machine.write(configuration, to: "/etc/fleet/fleet.conf") }
            let fleet = Fleet(machine: machine)
            try await fleet.install()
            return fleet
        }
    }
}

extension Trait where Self == MachineTrait<Machines> {
    /// Several machines, `members` of them with the registry in etcd. `configuration` are the lines of every machine's
    /// fleet.conf beside the registry's.
    static func machines(
        _ count: Int = 3,
        etcd members: Int = 3,
        with packages: [String] = [],
        keepsContainers: Bool = false,
        configuration: String = ""
    ) -> MachineTrait<Machines> {
        MachineTrait(current: Current.$machines) { lab in
            let names = (1...count).map { "m\($0)" }
            return try await Machines.boot(
                names,
                members: members,
                with: packages,
                keepsContainers: keepsContainers,
                configuration: configuration,
                in: lab
            )
        }
    }
}

/// The machine of the running suite.
func currentFleet() throws -> Fleet {
    try #require(Current.fleet, "the suite lacks `.machine()`")
}

/// The machines of the running suite.
func currentMachines() throws -> Machines {
    try #require(Current.machines, "the suite lacks `.machines()`")
}
