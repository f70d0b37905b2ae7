package import UnitFile

/// What fleet has to know of a Quadlet file, besides what every unit file says, to place it.
package struct QuadletFacts: Hashable, Sendable {
    /// The files that the generator needs beside this one, sorted. These may need further ones.
    package var references: [QuadletName]
    /// Those of them whose end is this one's end too, sorted.
    package var ties: [QuadletName]
    /// Those of them that are started with this one, sorted.
    package var starts: [QuadletName]
    /// The pod that a container joins.
    package var pod: QuadletName?
    package var podman: PodmanNeed
    package var volumes: VolumeFacts
    /// What the unit runs; nil where that is not an image from a registry.
    package var image: QuadletImage?
    /// podman's own check of the container; nil where there is none, or nobody acts on it.
    package var check: PodmanCheck?

    package init(references: [QuadletName], podman: PodmanNeed, volumes: VolumeFacts = VolumeFacts()) {
        self.references = references
        (ties, starts) = (references, references)
        self.podman = podman
        self.volumes = volumes
    }

    /// Reads a file that was found in order; what is not is passed over.
    package init(of kind: QuadletKind, _ file: ParsedUnitFile) {
        let named = file.references(of: kind)
        references = Set(named.compactMap { try? QuadletName($0.text) }).sorted()
        ties = Set(named.filter(\.ties).compactMap { try? QuadletName($0.text) }).sorted()
        starts = Set(named.filter(\.starts).compactMap { try? QuadletName($0.text) }).sorted()
        if kind == .container, let option = file.options(section: kind.section, key: "Pod").last {
            pod = try? QuadletName(option.value)
        }
        volumes = VolumeFacts(of: kind, file)
        image = QuadletImage(of: kind, file)
        check = PodmanCheck(of: kind, file)
        podman = PodmanNeed(QuadletKeys.since(kind), cause: "a .\(kind.rawValue) file")
        func ask(_ version: PodmanVersion?, _ cause: String) {
            guard let version, version > podman.version else { return }
            podman = PodmanNeed(version, cause: cause)
        }
        for section in file.sections {
            for option in section.options {
                switch section.name {
                case kind.section:
                    ask(QuadletKeys.since(option.key, in: kind), "\(option.key)= in [\(section.name)]")
                    if let (version, what) = QuadletKeys.since(option, in: kind) {
                        ask(version, "\(what) in [\(section.name)]")
                    }
                case "Quadlet": ask(QuadletKeys.quadletSection.since, "\(option.key)= in [\(section.name)]")
                default: continue
                }
            }
        }
        if let dependency = named.first(where: { $0.isInUnitSection(of: file) }) {
            ask(QuadletKeys.dependencies, "\(dependency.key)=\(dependency.text) in [Unit]")
        }
    }
}

extension QuadletReference {
    fileprivate func isInUnitSection(of file: ParsedUnitFile) -> Bool {
        file.sections.contains { $0.name == "Unit" && $0.options.contains(option) }
    }
}

extension QuadletName {
    /// The service that systemd sees when the file says this.
    package func service(_ file: ParsedUnitFile) throws(UnitFileError) -> UnitName {
        guard let option = file.serviceNameOption(of: kind) else { return standardService }
        guard instance == nil else {
            throw file.error(
                at: option,
                "ServiceName= would give all instances of a template one name; remove it, or write a file for each"
            )
        }
        do throws(UnitNameError) {
            let service = try UnitName(option.value + ".service")
            guard service.instance == nil, !option.value.hasSuffix(".service") else {
                throw UnitNameError("it is the service's name without .service, and without @")
            }
            return service
        } catch {
            throw file.error(at: option, "ServiceName=\(option.value.printable(limit: 40)): \(error)")
        }
    }
}
