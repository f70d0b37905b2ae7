import FleetModel
import UnitFile

/// A unit that a service is to be made for, with all texts at hand.
struct QuadletRequest: Hashable, Sendable {
    var file: ContentHash
    var bundle: QuadletBundle
    /// Of the source and of its companions.
    var texts: [QuadletName: String]

    /// nil when a text is missing.
    init?(file: ContentHash, bundle: QuadletBundle, _ texts: [ContentHash: String]) {
        self.file = file
        self.bundle = bundle
        self.texts = [:]
        for (name, hash) in bundle.files(with: file) {
            guard let text = texts[hash] else { return nil }
            self.texts[name] = text
        }
    }
}

/// What podman's generator made for one unit.
struct QuadletServices: Hashable, Sendable {
    /// The unit's own service, with its stamp.
    var text: String
    var stamp: QuadletStamp
    /// The services of its companions.
    var companions: [UnitName: String]
}

/// Puts requests together into as few runs of the generator as give every service the text that it would have alone.
enum QuadletRuns {
    /// Requests that can be in one folder: none has another text for a file of the same name.
    static func groups(_ requests: [UnitName: QuadletRequest]) -> [[UnitName]] {
        var groups: [(units: [UnitName], texts: [QuadletName: String])] = []
        for (unit, request) in requests.sorted(by: { $0.key < $1.key }) {
            let place = groups.firstIndex { group in
                request.texts.allSatisfy { name, text in group.texts[name].map { $0 == text } ?? true }
            }
            if let place {
                groups[place].units.append(unit)
                groups[place].texts.merge(request.texts) { old, _ in old }
            } else {
                groups.append(([unit], request.texts))
            }
        }
        return groups.map(\.units)
    }

    /// Whether the file is a container that joins a pod. Podman makes the pod's service want all of those that lie
    /// beside it; which of them come to a machine is fleet's to say, so the pod's text is taken from a run without
    /// them.
    static func joinsPod(_ name: QuadletName, _ text: String) -> Bool {
        guard name.kind == .container, let file = try? ParsedUnitFile.parse(text) else { return false }
        return file.lastValue(section: name.kind.section, key: "Pod") != nil
    }
}
