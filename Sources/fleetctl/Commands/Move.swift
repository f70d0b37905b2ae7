import ArgumentParser
import FleetAPI

/// `move`: moves units to a machine.
struct Move: FleetctlCommand {
    static let configuration = CommandConfiguration(
        commandName: "move",
        abstract: "Move units to a machine.",
        discussion: """
            A unit is started there before it is stopped where it is, unless it is AtMostOnce=yes. Nothing moves it back
            afterwards. A unit with volumes (VolumePolicy=sticky) is moved only with --lose-volumes: the data stay on
            the machine that it leaves, and it begins without them. The command waits until each unit has moved, and exits 1 if one has not.
            """
    )

    @Argument(help: ArgumentHelp("Names of units, then the machine.", valueName: "unit... machine"))
    var arguments: [String] = []

    @Flag(name: .customLong("lose-volumes"), help: "Leave the data of the units' volumes behind.")
    var loseVolumes = false

    @OptionGroup var wait: WaitOptions
    @OptionGroup var global: GlobalOptions

    func run(in context: Context) throws -> Int32 {
        guard let machine = arguments.last, arguments.count > 1 else {
            throw Failure.usage("move needs units and a machine: fleetctl move UNIT... MACHINE")
        }
        return try ChangeCommand(global: global, wait: wait, context: context)
            .run(.move, names: Array(arguments.dropLast()), machine: machine, losesVolumes: loseVolumes ? true : nil)
    }
}
