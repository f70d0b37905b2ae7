import FleetAPI
package import FleetModel
import FleetUseCases
package import UnitFile

/// Port: this machine's podman, as a judge of Quadlet files that nothing is made of yet.
package protocol QuadletTrial: Sendable {
    /// The podman whose generator would be asked; nil where there is none.
    func podmanVersion() async -> PodmanVersion?

    /// What the generator has against those of `names` that it makes no service of, given all `files`: sentences
    /// without a full stop. Empty also when it cannot be asked: that is no fault of the files.
    func complaints(about names: Set<QuadletName>, in files: [QuadletName: String]) async -> [QuadletName: String]
}

/// The Quadlet files of one change that this machine's podman can judge, with what they need beside them.
struct QuadletTrialFiles {
    /// The files that the change brings, and that are not stored with the same text.
    private(set) var new: Set<QuadletName> = []
    /// Texts of the change, or fetched.
    private(set) var texts: [QuadletName: String] = [:]
    /// Where the files of the change come from, for messages.
    private(set) var paths: [QuadletName: String] = [:]

    init(_ submissions: [Submission], on snapshot: Snapshot) {
        for submission in submissions {
            guard let source = submission.source, let text = submission.text else { continue }
            texts[source] = text
            paths[source] = submission.path
            if snapshot.units[submission.name]?.intent.file != ContentHash(of: text) { new.insert(source) }
        }
    }

    /// The stored files that a text names and that no text is known of, sorted.
    func lacking(on snapshot: Snapshot) -> [(name: QuadletName, file: ContentHash)] {
        var lacking: [QuadletName: ContentHash] = [:]
        for (name, text) in texts {
            for reference in references(of: name, text) where texts[reference] == nil {
                guard let unit = snapshot.unit(from: reference) else { continue }
                lacking[reference] = snapshot.units[unit]?.intent.file
            }
        }
        return lacking.sorted { $0.key < $1.key }.map { (name: $0.key, file: $0.value) }
    }

    mutating func add(_ text: String, of name: QuadletName) { texts[name] = text }

    /// The new files that a podman of this version knows every key of, in themselves and in what they need. A machine
    /// with a newer one may well take the others.
    func judged(by podman: PodmanVersion) -> Set<QuadletName> {
        new.filter { name in
            var seen: Set<QuadletName> = []
            var open = [name]
            while let next = open.popLast() {
                guard seen.insert(next).inserted else { continue }
                guard let text = texts[next], let file = try? ParsedUnitFile.parse(text) else { return false }
                let facts = QuadletFacts(of: next.kind, file)
                guard facts.podman.version <= podman else { return false }
                open += facts.references
            }
            return true
        }
    }

    private func references(of name: QuadletName, _ text: String) -> [QuadletName] {
        (try? ParsedUnitFile.parse(text)).map { QuadletFacts(of: name.kind, $0).references } ?? []
    }
}
