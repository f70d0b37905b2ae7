import ArgumentParser

/// `fd-forward SOCKET`: joins standard input and output with a unix socket. fleet's tunnels ran it on the remote side;
/// `ssh HOST fleetctl fd-forward /run/fleet.sock` still gives a program a connection to a remote fleetd.
struct FdForward: FleetctlCommand {
    static let configuration = CommandConfiguration(
        commandName: "fd-forward",
        abstract: "Join standard input and output with a unix socket.",
        shouldDisplay: false
    )

    @Argument(help: "Path of the socket.")
    var socket: String

    @OptionGroup var global: GlobalOptions

    func run(in context: Context) throws -> Int32 {
        try Splice.run(socket: socket, input: context.input, output: context.output)
        return ExitStatus.success
    }
}
