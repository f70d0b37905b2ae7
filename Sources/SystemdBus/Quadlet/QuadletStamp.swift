import FleetModel
import UnitFile

/// What a service was made from, written above its text: the file on disk says by itself what it is, and is replaced in
/// one step with what it says.
///
///     # Made by fleet from web.container 1f0c...
///     # with app.network 93be... app-network.service
struct QuadletStamp: Hashable, Sendable {
    var file: ContentHash
    var bundle: QuadletBundle
    /// The services of the companions, which are installed beside this one.
    var services: [QuadletName: UnitName]

    private static let first = "# Made by fleet from "
    private static let next = "# with "

    init(file: ContentHash, bundle: QuadletBundle, services: [QuadletName: UnitName]) {
        self.file = file
        self.bundle = bundle
        self.services = services
    }

    /// nil for the text of any other unit.
    init?(of text: String) {
        guard text.hasPrefix(Self.first) else { return nil }
        var lines = Self.lines(of: text)
        let words = lines.removeFirst().dropFirst(Self.first.count).split(separator: " ")
        guard words.count == 2 || words.count == 3, let source = try? QuadletName(String(words[0])),
            let file = ContentHash(String(words[1]))
        else { return nil }
        let image = words.count == 3 ? String(words[2]) : nil
        self.init(file: file, bundle: QuadletBundle(source: source, image: image), services: [:])
        for line in lines {
            let words = line.dropFirst(Self.next.count).split(separator: " ")
            guard words.count == 3, let name = try? QuadletName(String(words[0])),
                let hash = ContentHash(String(words[1])), let service = try? UnitName(String(words[2]))
            else { return nil }
            bundle.companions[name] = hash
            services[name] = service
        }
    }

    /// Whether the companion `name` was made from the same file here as there, and under the same service's name. Other
    /// files have a part in its text by their services' names, so those that both have must be the same too.
    func makes(_ name: QuadletName, like other: QuadletStamp) -> Bool {
        guard let service = services[name], service == other.services[name] else { return false }
        return bundle.companions[name] == other.bundle.companions[name]
            && bundle.companions.allSatisfy { name, hash in
                other.bundle.companions[name].map { $0 == hash } ?? true
            }
    }

    /// The service's text below this stamp.
    func over(_ text: String) -> String {
        let image = bundle.image.map { " \($0)" } ?? ""
        var lines = "\(Self.first)\(bundle.source) \(file)\(image)\n"
        for (name, hash) in bundle.companions.sorted(by: { $0.key < $1.key }) {
            guard let service = services[name] else { continue }
            lines += "\(Self.next)\(name) \(hash) \(service)\n"
        }
        return lines + text
    }

    /// `text` without a stamp.
    static func removed(from text: String) -> String {
        guard QuadletStamp(of: text) != nil else { return text }
        return String(text.dropFirst(lines(of: text).reduce(0) { $0 + $1.count + 1 }))
    }

    private static func lines(of text: String) -> [Substring] {
        let all = text.split(separator: "\n", maxSplits: 1_000, omittingEmptySubsequences: false)
        return Array(all.prefix(1) + all.dropFirst().prefix { $0.hasPrefix(next) })
    }
}
