import Lab
import Testing

/// Boots one machine with the packages for a suite or a test, and takes it down afterwards whatever happened.
struct MachineTrait: SuiteTrait, TestTrait, TestScoping {
    @TaskLocal static var current: Fleet?

    var suite: Debian
    /// Lines of /etc/fleet/fleet.conf before fleetd starts for the first time.
    var configuration: String

    /// Once around the whole suite: its tests share the machine, and use names of their own.
    var isRecursive: Bool { false }

    func provideScope(
        for test: Test,
        testCase: Test.Case?,
        performing function: @Sendable () async throws -> Void
    ) async throws {
        guard Conditions.missing.isEmpty else { return try await function() }
        try await Lab.with { lab in
            let machine = try await lab.boot("m1", suite: suite)
            if !configuration.isEmpty { try await machine.write(configuration, to: "/etc/fleet/fleet.conf") }
            let fleet = Fleet(machine: machine)
            try await fleet.install()
            try await MachineTrait.$current.withValue(fleet) { try await function() }
        }
    }
}

extension Trait where Self == MachineTrait {
    static func machine(_ suite: Debian = .trixie, configuration: String = "") -> MachineTrait {
        MachineTrait(suite: suite, configuration: configuration)
    }
}

/// The machine of the running suite.
func currentFleet() throws -> Fleet {
    try #require(MachineTrait.current, "the suite lacks `.machine()`")
}
