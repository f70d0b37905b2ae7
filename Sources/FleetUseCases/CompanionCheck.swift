import FleetModel
import UnitFile

/// A container that others start with them (`Network=x.container`, `Requires=x.container`) is started by systemd,
/// behind fleet's back: nothing asks for its lock, and nothing gives it its configs and secrets. So its file may ask
/// for neither.
struct CompanionCheck {
    private let snapshot: Snapshot
    /// What the files of this change ask of fleet, where they can be read.
    private var coming: [QuadletName: FleetOptions] = [:]

    init(_ submissions: [Submission], on snapshot: Snapshot) {
        self.snapshot = snapshot
        for submission in submissions {
            guard let source = submission.source, let (_, _, options) = Self.read(submission) else { continue }
            coming[source] = options
        }
    }

    func problems(of submission: Submission) -> [String] {
        guard let source = submission.source, let (file, section, options) = Self.read(submission) else { return [] }
        let references = file.references(of: source.kind).filter(\.starts)
        let named = references.compactMap { reference -> String? in
            guard let other = try? QuadletName(reference.text), other != source, let key = key(of: other) else {
                return nil
            }
            return file.error(
                at: reference.option,
                "\(reference.key)= names \(other), which has \(key)=: that holds of a unit that is started by its name, "
                    + "and systemd would start this one with \(source); leave it out there, or here"
            ).description
        }
        guard let key = Self.key(of: options) else { return named }
        let users = snapshot.users(of: source).filter { name in
            guard let user = snapshot.units[name]?.intent.source, coming[user] == nil else { return false }
            return snapshot.units[name]?.quadlet?.starts.contains(source) == true
        }
        guard !users.isEmpty else { return named }
        let message =
            "\(key)= holds of a unit that is started by its name, and systemd starts this one with "
            + "\(users.map(\.description).joined(separator: ", ")), which \(users.count == 1 ? "needs" : "need") it"
        return named + [section.error(atKey: key, message).description]
    }

    private func key(of source: QuadletName) -> String? {
        let stored = snapshot.unit(from: source).flatMap { snapshot.units[$0]?.options }
        return (coming[source] ?? stored).flatMap(Self.key)
    }

    /// The key that asks for what a companion does not get.
    private static func key(of options: FleetOptions) -> String? {
        if options.atMostOnce { return "AtMostOnce" }
        return options.credentials.first.map { $0.source.kind == .secret ? "Secret" : "Config" }
    }

    private static func read(_ submission: Submission) -> (ParsedUnitFile, FleetSection, FleetOptions)? {
        guard let text = submission.text else { return nil }
        return try? UnitValidation.validate(
            name: submission.name,
            source: submission.source,
            text: text,
            path: submission.path
        )
    }
}
