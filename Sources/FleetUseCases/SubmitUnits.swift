import FleetModel
import FleetRegistry
import UnitFile

extension ChangePlanner {
    /// Validates every text before anything else: one bad file, and nothing of the change happens (promise P8).
    mutating func submit(
        _ submissions: [Submission],
        target: TargetState,
        replace: Replacement,
        renewing: Set<QuadletName> = []
    ) throws(UseCaseError) {
        var unique: [Submission] = []
        for submission in submissions {
            guard let place = unique.firstIndex(where: { $0.name == submission.name }) else {
                unique.append(submission)
                continue
            }
            let other = unique[place]
            // A Quadlet file and its unit, say, of which only the file has a text.
            guard other.text == nil || submission.text == nil || other.text == submission.text else {
                let message = "\(submission.name) is given twice with different texts: name it once"
                throw UseCaseError(.invalid, submission.name, message)
            }
            if other.text == nil { unique[place] = submission }
            unique[place].isCompanion = other.isCompanion && submission.isCompanion
        }
        try validate(unique)
        named = Set(unique.map(\.name))
        for submission in unique {
            let own = snapshot.units[submission.name]?.target.state ?? .inactive
            submit(submission, target: submission.isCompanion ? own : target, replace: replace)
        }
        renewUsers(of: unique, and: renewing)
    }

    /// A Quadlet file is part of every unit that needs it: when it is replaced they are replaced too, with their
    /// failures forgotten. Their machines start them again once the engine has passed the new text on.
    private mutating func renewUsers(of submissions: [Submission], and before: Set<QuadletName>) {
        let asked = Set(submissions.map(\.name))
        for submission in submissions {
            guard case .changed = effects[submission.name], let text = submission.text,
                let old = snapshot.units[submission.name]?.intent, old.file != ContentHash(of: text)
            else { continue }
            if let source = old.source { replaced[source] = submission.name }
        }
        let files = before.union(replaced.keys)
        let told = files.map(\.description).sorted().joined(separator: ", ")
        for name in snapshot.allUsers(of: files).sorted() {
            guard let unit = snapshot.units[name], unit.target.state > .inactive else { continue }
            if case .changed = effects[name] { continue }
            let known = effects[name]
            writeTarget(of: unit, unit.target.state, .replaced, "\(told) replaced, which its file needs,")
            if !asked.contains(name) { effects[name] = known }
        }
    }

    /// Throws one error with the messages of all files that have any.
    private func validate(_ submissions: [Submission]) throws(UseCaseError) {
        let coming = Set(submissions.filter { $0.text != nil }.compactMap(\.source))
        let credentials = CredentialCheck(snapshot: snapshot)
        let companions = CompanionCheck(submissions, on: snapshot)
        let messages = submissions.flatMap { submission in
            SubmissionCheck.problems(of: submission) { coming.contains($0) || snapshot.unit(from: $0) != nil }
                + credentials.problems(of: submission) + companions.problems(of: submission)
        }
        guard !messages.isEmpty else { return }
        throw UseCaseError(
            .invalid,
            submissions.count == 1 ? submissions[0].name : nil,
            messages.joined(separator: "\n")
        )
    }

    private mutating func submit(_ submission: Submission, target: TargetState, replace: Replacement) {
        let name = submission.name
        if target != .inactive, name.isTemplate {
            return refuse(name, .invalid, Self.templateMessage(name))
        }
        if let message = strife(of: submission) { return refuse(name, .conflict, message) }
        guard snapshot.unitRevisions[name] != nil else {
            guard let text = submission.text else {
                return refuse(name, .notFound, "unable to find Unit(\(name)) in Registry or on filesystem")
            }
            return create(submission, text: text, target: target)
        }
        guard let text = submission.text, replace.stores(submission, over: snapshot.units[name]?.intent) else {
            return raise(name, to: target)
        }
        switch replace {
        case .keep:
            raise(name, to: target)
            // The units whose file cannot be read are not in the snapshot; `raise` has refused those.
            switch effects[name] {
            case .changed(let generation): effects[name] = .differs(generation, isChanged: true)
            case .unchanged(let generation): effects[name] = .differs(generation, isChanged: false)
            case .differs, .destroyed, .refused, nil: break
            }
        case .withinTarget:
            if let state = snapshot.units[name]?.target.state, state > target {
                let message = "can not replace Unit(\(name)) in state '\(state.rawValue)', use the appropriate command"
                return refuse(name, .conflict, message)
            }
            self.replace(submission, with: text, target: target)
        case .always:
            self.replace(submission, with: text, target: target)
        }
    }

    /// Two files cannot become one unit, nor one file two.
    private func strife(of submission: Submission) -> String? {
        guard submission.text != nil else { return nil }
        let name = submission.name
        if let source = submission.source, let other = snapshot.unit(from: source), other != name {
            return "\(source) is stored as \(other) and would become \(name): destroy \(other) first"
        }
        guard let stored = snapshot.units[name]?.intent, stored.source != submission.source else { return nil }
        let new = submission.source?.description ?? "a unit file of systemd's"
        let old = stored.source?.description ?? "a unit file of systemd's"
        return "\(name) is stored from \(old), and not from \(new): destroy it first"
    }

    /// The target state of a stored unit whose file stays.
    private mutating func raise(_ name: UnitName, to target: TargetState) {
        if target == .inactive, let unit = snapshot.units[name] {
            effects[name] = .unchanged(unit.generation)
        } else {
            setTarget(of: name, to: target)
        }
    }

    private mutating func create(_ submission: Submission, text: String, target: TargetState) {
        let origin = submission.source.map { "\($0) " } ?? ""
        let event = event(.submitted, of: submission.name, "\(origin)submitted with target state \(target.rawValue)")
        store(submission, text: text, target: target, restart: 0, operations: event)
    }

    private mutating func replace(_ submission: Submission, with text: String, target: TargetState) {
        let name = submission.name
        let old = snapshot.units[name]?.intent.file
        let isSame = old == ContentHash(of: text)
        let change =
            isSame
            ? "image pinned to \(submission.image ?? "none")"
            : "file \(old?.short ?? "(unreadable)") replaced with \(ContentHash(of: text).short)"
        let event = event(.replaced, of: name, "\(change), target state \(target.rawValue) set")
        let restart = snapshot.units[name]?.target.restart ?? 0
        store(submission, text: text, target: target, restart: restart, operations: event)
    }

    private mutating func store(
        _ submission: Submission,
        text: String,
        target: TargetState,
        restart: Generation,
        operations: [StoreOperation]
    ) {
        let name = submission.name
        let generation = nextGeneration(of: name)
        let hash = ContentHash(of: text)
        let intent = UnitIntent(
            file: hash,
            generation: generation,
            submitted: user,
            source: submission.source,
            image: submission.image
        )
        let targetValue = UnitTarget(state: target, generation: generation, restart: restart, set: user)
        var writes = Writes(unit: name, compares: isUnchanged(name))
        writes.operations = [put(.unit(name), intent), put(.target(name), targetValue), forgetFailures(of: name)]
        writes.operations += operations
        writes.file = (hash, text)
        writes.dropped = fileInUse(by: name)
        write(writes)
        effects[name] = .changed(generation)
    }

    /// The file that a stored unit uses, also one whose options cannot be read.
    func fileInUse(by name: UnitName) -> ContentHash? {
        snapshot.units[name]?.intent.file ?? snapshot.unitsByFile.first { $0.value.contains(name) }?.key
    }

    static func templateMessage(_ name: UnitName) -> String {
        "cannot activate template \"\(name)\": name an instance, such as \(name.prefix)@1.\(name.type.rawValue)"
    }
}

extension Replacement {
    /// Whether what is submitted may differ from what is stored: in its text or, when it is to replace that, in what
    /// its image means now.
    fileprivate func stores(_ submission: Submission, over stored: UnitIntent?) -> Bool {
        guard let text = submission.text else { return false }
        if ContentHash(of: text) != stored?.file { return true }
        return self != .keep && submission.image != stored?.image
    }
}
