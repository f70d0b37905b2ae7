package import FleetModel
package import FleetRuntime
import UnitFile

extension PodmanImages {
    /// What is asked of a registry about one image.
    struct Lookup: Hashable {
        var image: ImageName
        var auth: CredentialName?
    }
}

extension PodmanImages: ImageResolver {
    /// Who asks for the same image at the same time gets the same answer: what the tag means now.
    package func digest(of image: ImageName, auth: CredentialName?) async throws(ImageLookupError) -> String {
        let lookup = Lookup(image: image, auth: auth)
        let task = lookups[lookup] ?? Task { await self.look(lookup) }
        lookups[lookup] = task
        return try await task.value.get()
    }

    private func look(_ lookup: Lookup) async -> Result<String, ImageLookupError> {
        let problem: String
        do {
            let output = try ProgramOutput()
            let unit = PullUnit.looking(
                for: lookup.image,
                auth: lookup.auth,
                number: nextID(),
                output: output.descriptor
            )
            lookupUnits[unit.name] = unit
            defer { lookupUnits[unit.name] = nil }
            let ending = try await systemd.run(unit)
            let words = await output.end()
            lookups[lookup] = nil
            switch ending {
            case .done:
                let digest = words.split(whereSeparator: \.isWhitespace).map(String.init).first(
                    where: ImageName.isDigest
                )
                if let digest { return .success(digest) }
                problem = "skopeo said \(words.printable(limit: 100))"
            case .failed("timeout", _, _):
                problem = "its registry has not answered within \(TimeSpan.format(unit.timeout))"
            case .failed(_, let status, _):
                let lines = words.split(separator: "\n").map(String.init)
                problem = unit.loginProblem(status) ?? PodmanWords.problem(in: lines)
            }
        } catch {
            lookups[lookup] = nil
            problem = "\(error)"
        }
        return .failure(ImageLookupError("the digest of \(lookup.image) cannot be looked up: \(problem)"))
    }
}
