import ArgumentParser
import FleetAPI
import FleetModel

/// Whether and how long a change is waited for.
struct WaitOptions: ParsableArguments {
    @Option(
        name: .customLong("block-attempts"),
        help: ArgumentHelp("Wait about 2 seconds for each attempt; 0 waits as long as it takes.", valueName: "n")
    )
    var blockAttempts: Int = 0

    @Flag(name: .customLong("no-block"), help: "Return as soon as the change is stored.")
    var noBlock = false

    func validate() throws {
        guard blockAttempts >= 0 else { throw ValidationError("--block-attempts is 0 or more.") }
    }

    /// fleet's attempt was 2 s of polling.
    var limit: Duration? { blockAttempts > 0 ? .seconds(2) * blockAttempts : nil }
}

/// What becomes of local files whose unit is stored already.
struct FileOptions: ParsableArguments {
    @Flag(help: "Put a local file in the place of a different stored one.")
    var replace = false

    @Flag(help: .hidden)
    var sign = false

    func warn(in context: Context) {
        guard sign else { return }
        context.console.complain("fleetctl: warning: --sign has no effect: unit files are not signed")
    }
}

/// The common way of all commands that change something.
struct ChangeCommand {
    var global: GlobalOptions
    var wait = WaitOptions.none
    var context: Context

    /// Names of stored units. Local files do not matter.
    func run(
        _ action: ChangeRequest.Action,
        names: [String],
        machine: String? = nil,
        losesVolumes: Bool? = nil
    ) throws -> Int32 {
        let units = try UnitArgument.all(names).map(\.bare)
        let request = ChangeRequest(
            action: action,
            units: units,
            wait: !wait.noBlock,
            machine: machine,
            losesVolumes: losesVolumes
        )
        return try run(request)
    }

    /// Units that are stored from local files where the registry does not have them.
    func run(_ action: ChangeRequest.Action, files: [String], _ options: FileOptions) throws -> Int32 {
        options.warn(in: context)
        var units: [UnitReference] = []
        for argument in try UnitArgument.all(files) { units.append(try argument.reference()) }
        units += try QuadletFiles.companions(of: units)
        let request = ChangeRequest(action: action, units: units, replace: options.replace, wait: !wait.noBlock)
        return try run(request)
    }

    private func run(_ request: ChangeRequest) throws -> Int32 {
        let client = try APIClient(global, in: context)
        var report = ChangeReport(request)
        context.onInterrupt(.changeUnknown)
        do {
            try client.change(request, giveUpAfter: wait.limit) { progress in
                let wasStored = report.isStored
                show(report.take(progress))
                if report.isStored, !wasStored { context.onInterrupt(.changeStored) }
            }
        } catch is Exchange.StreamLimitReached {
            show(report.timeOut())
            return ExitStatus.failure
        } catch let failure as Failure where report.isStored {
            throw Failure(failure.text + "\nThe change is stored and goes on.", status: failure.status)
        }
        guard report.isDone else {
            throw Failure(
                "fleetctl: fleetd's answer ended early; "
                    + (report.isStored ? "the change is stored and goes on" : "the change may or may not be stored")
            )
        }
        return report.exitStatus
    }

    private func show(_ lines: [ChangeReport.Line]) {
        for line in lines {
            switch line {
            case .result(let text): context.console.print(text)
            case .notice(let text): context.console.complain(text)
            }
        }
    }
}

extension WaitOptions {
    /// Waits for as long as it takes. ArgumentParser's own initialiser leaves the values undefined until they are
    /// parsed.
    static var none: WaitOptions {
        var options = WaitOptions()
        options.blockAttempts = 0
        options.noBlock = false
        return options
    }
}
