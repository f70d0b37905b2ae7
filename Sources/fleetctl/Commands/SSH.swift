import ArgumentParser

/// fleet's `ssh`, which is gone: says what to do instead.
struct SSH: FleetctlCommand {
    static let configuration = CommandConfiguration(
        commandName: "ssh",
        abstract: "Not part of this version.",
        shouldDisplay: false
    )

    @Argument(parsing: .captureForPassthrough)
    var arguments: [String] = []

    func run(in context: Context) throws -> Int32 {
        throw Failure.usage(
            "ssh is not part of this version; use ssh(1) with an address of 'fleetctl list-machines', or of "
                + "'fleetctl list-units' for the machine of a unit"
        )
    }
}
