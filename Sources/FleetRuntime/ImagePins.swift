import FleetModel
import FleetUseCases
import UnitFile

/// The images of one change that have to be looked up in their registries, each once.
struct ImagePins {
    private let replace: Replacement
    private let snapshot: Snapshot
    private var known: [Image: String] = [:]

    struct Image: Hashable {
        var name: ImageName
        var auth: CredentialName?
    }

    init(replace: Replacement, on snapshot: Snapshot) {
        self.replace = replace
        self.snapshot = snapshot
    }

    /// The image that the submission is to be pinned to; nil for one that is not pinned, is pinned already, or stays as
    /// it is stored.
    mutating func image(of submission: Submission) -> Image? {
        guard submission.image == nil, let source = submission.source, let text = submission.text,
            let file = try? ParsedUnitFile.parse(text),
            let options = try? FleetSection.parse(file).options(for: submission.name), options.pinsImage,
            let name = QuadletImage(of: source.kind, file)?.name.text(for: submission.name).flatMap({ ImageName($0) })
        else { return nil }
        let hash = ContentHash(of: text)
        guard snapshot.units[submission.name]?.intent.file != hash || replace != .keep else { return nil }
        let image = Image(name: name, auth: options.registryAuth)
        if name.digest != nil {
            known[image] = name.description
        } else if let template = submission.name.template.flatMap({ snapshot.units[$0]?.intent }),
            template.file == hash, let pinned = template.image
        {
            known[image] = pinned
        }
        return image
    }

    /// The image's name with its digest.
    mutating func pinned(_ image: Image, by resolver: (any ImageResolver)?) async throws(ImageLookupError) -> String {
        if let pinned = known[image] { return pinned }
        guard let resolver else { throw ImageLookupError("this fleetd cannot look up what PinImage= pins") }
        let pinned = image.name.pinned(to: try await resolver.digest(of: image.name, auth: image.auth)).description
        known[image] = pinned
        return pinned
    }
}
