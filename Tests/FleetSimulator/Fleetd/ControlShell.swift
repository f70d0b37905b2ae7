import FleetModel
import FleetRegistry
import FleetRuntime
import FleetUseCases
import UnitFile

/// Carries out users' wishes through one machine's fleetd. Mirrors `FleetRuntime/FleetController.swift`.
final class ControlShell {
    /// One wish, as far as it got.
    final class Request {
        let number: Int
        fileprivate(set) var change: Change
        /// What the present transaction was planned from.
        fileprivate(set) var basedOn = Revision.zero
        fileprivate(set) var outcome = ChangeOutcome(units: [:])
        /// What was reported as stored, with the revision that was named.
        fileprivate(set) var steps: [(Transaction, Revision)] = []

        init(number: Int, change: Change) {
            self.number = number
            self.change = change
        }
    }

    enum Answer {
        case done
        /// The machine cannot be asked now; nothing was done.
        case unavailable
        /// It may or may not be stored.
        case unknown
        case invalid(String)
    }

    private let machine: SimMachine
    private let client: StoreClient
    private let registry: RegistryShell
    private var ids: EventIDs

    private static let tries = 16

    init(_ machine: SimMachine, _ client: StoreClient, _ registry: RegistryShell) {
        self.machine = machine
        self.client = client
        self.registry = registry
        ids = EventIDs(writer: machine.id)
    }

    /// Whether wishes are taken.
    var isWritable: Bool { registry.condition == .current }
    var snapshot: Snapshot { registry.snapshot }

    func perform(_ request: Request, then reply: @escaping (Answer) -> Void) {
        perform(request, try: 0, reply)
    }

    private func perform(_ request: Request, try number: Int, _ reply: @escaping (Answer) -> Void) {
        guard number < Self.tries else { return reply(.unavailable) }
        guard isWritable else { return reply(number == 0 ? .unavailable : .unknown) }
        let plan: ChangePlan
        do throws(UseCaseError) {
            let who = Provenance(at: machine.clock.now, by: "user \(request.number)")
            plan = try request.change.plan(on: snapshot, by: who, keyspace: registry.keyspace, events: &ids)
        } catch {
            return reply(.invalid("\(error)"))
        }
        request.basedOn = snapshot.revision
        commit((plan.steps + plan.confirmations)[...], request, done: []) { [self] done, answer in
            guard let done else {
                request.outcome.units.merge(plan.outcome.units) { _, new in new }
                return reply(answer)
            }
            request.outcome.units.merge(plan.outcome.units.filter { done.contains($0.key) }) { _, new in new }
            request.change = request.change.excluding(done)
            client.range(.key(RegistryKey.format.key(in: registry.keyspace))) { [self] answer in
                guard case .success(let newest) = answer else { return reply(.unknown) }
                registry.folded(upTo: newest.revision) { [self] in perform(request, try: number + 1, reply) }
            }
        }
    }

    /// Commits steps in order; ends with the units done when one conflicts.
    private func commit(
        _ steps: ArraySlice<ChangePlan.Step>,
        _ request: Request,
        done: Set<UnitName>,
        _ reply: @escaping (_ conflictAfter: Set<UnitName>?, Answer) -> Void
    ) {
        guard let step = steps.first else { return reply(nil, .done) }
        client.commit(step.transaction, by: .user(request)) { [self] outcome in
            switch outcome {
            case .committed where step.transaction.operations.isEmpty:
                commit(steps.dropFirst(), request, done: done.union(step.units), reply)
            case .committed(let revision):
                request.steps.append((step.transaction, revision))
                registry.folded(upTo: revision) { [self] in
                    commit(steps.dropFirst(), request, done: done.union(step.units), reply)
                }
            case .conflict: reply(done, .done)
            case .refused: reply(nil, done.isEmpty ? .unavailable : .unknown)
            case .unknown: reply(nil, .unknown)
            }
        }
    }
}
