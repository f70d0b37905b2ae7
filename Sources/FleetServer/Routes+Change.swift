import FleetAPI
import FleetModel
import FleetRuntime
import FleetUseCases
import HTTPTypes
import UnitFile

/// `POST /fleet/v2/change`
extension Routes {
    /// The change is durable before the answer's head leaves; what was wrong with it is the answer's status.
    func change(_ request: APIRequest) async throws(APIError) -> Answer {
        var wanted = try await request.json(ChangeRequest.self)
        guard !wanted.units.isEmpty else { throw APIError(400, "units: no units given") }
        guard wanted.units.count <= limits.units else {
            throw APIError(413, "units: at most \(limits.units) in one request, this has \(wanted.units.count)")
        }
        let before = try await control.snapshot()
        for (place, unit) in wanted.units.enumerated() where unit.text == nil {
            if let source = unit.source { wanted.units[place].name = try Self.name(meantBy: source, in: before) }
        }
        let change = try await resolve(wanted, in: before)
        let outcome = try await control.perform(change, by: await request.user())
        let after = try await control.snapshot()
        let first = Self.warnings(of: change) + Self.report(wanted, change, outcome, in: after)
        let companions = Set(wanted.units.filter(\.isCompanion).map(\.name))
        let waits =
            wanted.wait
            ? Self.waits(for: change, wanted.action, outcome, in: after).filter { !companions.contains($0.key) } : [:]
        let settled = wanted.wait ? Self.settled(wanted.action, outcome, except: waits, in: after) : []
        let control = control
        let explainer = explainer
        return .lines { writer in
            try await writer.write(first + settled)
            let follower = ChangeFollower(waits, explainer: explainer)
            var following = Following(follower, of: "change", with: control) { news in
                await Self.quoting(news, with: control)
            }
            try await following.run(&writer)
        }
    }

    // MARK: Understanding the request

    private func resolve(_ request: ChangeRequest, in snapshot: Snapshot) async throws(APIError) -> Change {
        let names = request.units.map(\.name)
        return switch request.action {
        case .submit: try await submit(request, .inactive, in: snapshot)
        case .load: try await submit(request, .loaded, in: snapshot)
        case .start: try await submit(request, .launched, in: snapshot)
        case .stop: .lower(names, to: .loaded)
        case .unload: .lower(names, to: .inactive)
        case .restart: .restart(names)
        case .resetFailed: .resetFailed(names)
        case .destroy: .destroy(names)
        case .move:
            .move(
                names,
                to: try Self.destination(of: request, in: snapshot),
                losesVolumes: request.losesVolumes == true
            )
        }
    }

    private static func destination(
        of request: ChangeRequest,
        in snapshot: Snapshot
    ) throws(APIError) -> MachineID {
        guard let name = request.machine, let machine = try machines([name], in: snapshot).first else {
            throw APIError(400, "machine: a move needs one")
        }
        return machine
    }

    private func submit(
        _ request: ChangeRequest,
        _ target: TargetState,
        in snapshot: Snapshot
    ) async throws(APIError) -> Change {
        var submissions: [Submission] = []
        // Hundreds of instances have one template: it is read once.
        var templates: [ContentHash: String] = [:]
        for unit in request.units {
            let text = try await text(for: unit, in: snapshot, &templates)
            let source = Self.source(of: unit, in: snapshot)
            let path = text == nil ? nil : unit.path
            var submission = Submission(name: unit.name, source: source, text: text, path: path)
            submission.isCompanion = unit.isCompanion
            submissions.append(submission)
        }
        return .submit(submissions, target: target, replace: request.replace ? .withinTarget : .keep)
    }

    /// The Quadlet file that a unit comes from: the one that was named, or the instance of the stored template's.
    private static func source(of unit: UnitReference, in snapshot: Snapshot) -> QuadletName? {
        if let source = unit.source { return source }
        guard unit.text == nil, snapshot.unitRevisions[unit.name] == nil, let instance = unit.name.instance,
            let template = unit.name.template, let source = snapshot.units[template]?.intent.source
        else { return nil }
        return source.instance(instance)
    }

    /// fleet's order of search: a stored unit is compared with the local file, or the local template; one that is not
    /// stored comes from the local file, else from the stored template, else from the local one.
    private func text(
        for unit: UnitReference,
        in snapshot: Snapshot,
        _ templates: inout [ContentHash: String]
    ) async throws(APIError) -> String? {
        if let text = unit.text { return text }
        if snapshot.unitRevisions[unit.name] != nil { return unit.template }
        if let template = unit.name.template, let file = snapshot.units[template]?.intent.file {
            if let known = templates[file] { return known }
            let text = try await control.text(of: file)
            templates[file] = text
            return text
        }
        return unit.template
    }

    // MARK: Reporting

    private static func warnings(of change: Change) -> [ChangeProgress] {
        guard case .submit(let submissions, _, _, _) = change else { return [] }
        return submissions.flatMap { submission -> [ChangeProgress] in
            guard let text = submission.text, let file = try? ParsedUnitFile.parse(text) else { return [] }
            return UnitValidation.warnings(name: submission.name, source: submission.source, file: file).map {
                ChangeProgress(kind: .warning, unit: submission.name, message: $0)
            }
        }
    }

    /// One line for each unit in the order of the request, with a warning before it where the files differ.
    private static func report(
        _ request: ChangeRequest,
        _ change: Change,
        _ outcome: ChangeOutcome,
        in snapshot: Snapshot
    ) -> [ChangeProgress] {
        request.units.flatMap { unit -> [ChangeProgress] in
            let state = snapshot.units[unit.name]?.target.state
            func line(_ kind: ChangeProgress.Kind, _ message: String? = nil) -> ChangeProgress {
                ChangeProgress(kind: kind, unit: unit.name, source: unit.source, state: state, message: message)
            }
            switch outcome.units[unit.name] {
            case .changed, .destroyed: return [line(.stored)]
            case .unchanged: return [line(.unchanged)]
            case .differs(_, let isChanged):
                let place = unit.path ?? unit.name.description
                let message =
                    "Unit \(unit.name) in registry differs from local unit file \(place). "
                    + "Add --replace to override."
                return [line(.warning, message), line(isChanged ? .stored : .unchanged)]
            case .refused(let error): return [line(.refused, error.message)]
            case nil: return []
            }
        }
    }

    /// Adds the journal's last lines to failures; their events have them.
    private static func quoting(
        _ news: [ChangeProgress],
        with control: any FleetControl
    ) async -> [ChangeProgress] {
        var quoted = news
        for (index, progress) in news.enumerated() {
            guard progress.failure != nil, let unit = progress.unit, let machine = progress.machine?.id else {
                continue
            }
            do throws(APIError) {
                let events = try await control.events(of: unit)
                quoted[index].journal = events.last { $0.kind == .failed && $0.machine == machine }?.journal
            } catch {
                // That it failed is worth telling without the lines too.
                continue
            }
        }
        return quoted
    }

    // MARK: Waiting

    /// What there is to wait for, unit by unit.
    private static func waits(
        for change: Change,
        _ action: ChangeRequest.Action,
        _ outcome: ChangeOutcome,
        in snapshot: Snapshot
    ) -> [UnitName: ChangeFollower.Wait] {
        var waits: [UnitName: ChangeFollower.Wait] = [:]
        for (name, effect) in outcome.units {
            let generation: Generation
            switch effect {
            case .changed(let new), .unchanged(let new), .differs(let new, _): generation = new
            case .destroyed: generation = 0
            case .refused: continue
            }
            let goal: ChangeFollower.Goal
            switch action {
            case .submit: continue
            case .load: goal = .loaded
            case .start, .restart: goal = .started
            case .stop: goal = .stopped
            case .unload: goal = .unloaded
            case .destroy: goal = .destroyed
            case .move:
                guard case .move(_, let machine, _) = change else { continue }
                goal = .moved(to: machine)
            case .resetFailed:
                guard case .changed = effect, snapshot.units[name]?.target.state == .launched else { continue }
                goal = .started
            }
            waits[name] = ChangeFollower.Wait(goal: goal, generation: generation)
        }
        return waits
    }

    /// Units that are where they should be because there is nothing to wait for.
    private static func settled(
        _ action: ChangeRequest.Action,
        _ outcome: ChangeOutcome,
        except waits: [UnitName: ChangeFollower.Wait],
        in snapshot: Snapshot
    ) -> [ChangeProgress] {
        outcome.units.sorted { $0.key < $1.key }.compactMap { name, effect in
            if case .refused = effect { return nil }
            guard waits[name] == nil else { return nil }
            return ChangeProgress(kind: .arrived, unit: name, state: snapshot.units[name]?.target.state)
        }
    }
}
