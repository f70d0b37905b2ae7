import FleetAPI
import FleetModel

/// The common way of the commands that order something of machines.
struct OrderCommand {
    var global: GlobalOptions
    var context: Context

    func run(_ request: MachineOrderRequest) throws -> Int32 {
        guard !request.machines.isEmpty else { throw Failure.usage("No machines given") }
        let client = try APIClient(global, in: context)
        var report = OrderReport(request)
        context.onInterrupt(.changeUnknown)
        do {
            try client.order(request) { progress in
                let wasStored = report.isStored
                switch report.take(progress) {
                case .result(let text)?: context.console.print(text)
                case .notice(let text)?: context.console.complain(text)
                case nil: break
                }
                if report.isStored, !wasStored { context.onInterrupt(.orderStored) }
            }
        } catch let failure as Failure where report.isStored {
            throw Failure(failure.text + "\nThe order is stored and goes on.", status: failure.status)
        }
        guard report.isDone else {
            throw Failure(
                "fleetctl: fleetd's answer ended early; "
                    + (report.isStored ? "the order is stored and goes on" : "the order may or may not be stored")
            )
        }
        return report.hasFailed ? ExitStatus.failure : ExitStatus.success
    }
}
