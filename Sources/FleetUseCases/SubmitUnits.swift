import FleetModel
import FleetRegistry
import UnitFile

extension ChangePlanner {
    /// Validates every text before anything else: one bad file, and nothing of the change happens (promise P8).
    mutating func submit(
        _ submissions: [Submission],
        target: TargetState,
        replace: Replacement
    ) throws(UseCaseError) {
        var unique: [Submission] = []
        for submission in submissions {
            if let other = unique.first(where: { $0.name == submission.name }) {
                guard other.text == submission.text else {
                    let message = "\(submission.name) is given twice with different texts: name it once"
                    throw UseCaseError(.invalid, submission.name, message)
                }
            } else {
                unique.append(submission)
            }
        }
        try Self.validate(unique)
        for submission in unique { submit(submission, target: target, replace: replace) }
    }

    /// Throws one error with the messages of all files that have any.
    private static func validate(_ submissions: [Submission]) throws(UseCaseError) {
        var messages: [String] = []
        for submission in submissions {
            guard let text = submission.text else { continue }
            messages += SubmissionCheck.problems(of: submission.name, text: text, path: submission.path)
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
        guard snapshot.unitRevisions[name] != nil else {
            guard let text = submission.text else {
                return refuse(name, .notFound, "unable to find Unit(\(name)) in Registry or on filesystem")
            }
            return create(name, text: text, target: target)
        }
        let stored = snapshot.units[name]?.intent.file
        guard let text = submission.text, ContentHash(of: text) != stored else {
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
            self.replace(name, with: text, target: target)
        case .always:
            self.replace(name, with: text, target: target)
        }
    }

    /// The target state of a stored unit whose file stays.
    private mutating func raise(_ name: UnitName, to target: TargetState) {
        if target == .inactive, let unit = snapshot.units[name] {
            effects[name] = .unchanged(unit.generation)
        } else {
            setTarget(of: name, to: target)
        }
    }

    private mutating func create(_ name: UnitName, text: String, target: TargetState) {
        let event = event(.submitted, of: name, "submitted with target state \(target.rawValue)")
        store(name, text: text, target: target, restart: 0, operations: event)
    }

    private mutating func replace(_ name: UnitName, with text: String, target: TargetState) {
        let old = snapshot.units[name]?.intent.file
        let change = "file \(old?.short ?? "(unreadable)") replaced with \(ContentHash(of: text).short)"
        let event = event(.replaced, of: name, "\(change), target state \(target.rawValue) set")
        let restart = snapshot.units[name]?.target.restart ?? 0
        store(name, text: text, target: target, restart: restart, operations: event)
    }

    private mutating func store(
        _ name: UnitName,
        text: String,
        target: TargetState,
        restart: Generation,
        operations: [StoreOperation]
    ) {
        let generation = nextGeneration(of: name)
        let hash = ContentHash(of: text)
        let intent = UnitIntent(file: hash, generation: generation, submitted: user)
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
