import UnitFile

/// What Quadlet's generator refuses, and what would not work on another machine than the user's: found before anything
/// is stored. A section that is not the kind's own is systemd's, and passed on.
struct QuadletRules {
    let name: QuadletName
    let file: ParsedUnitFile

    private var kind: QuadletKind { name.kind }

    func check() throws(UnitFileError) {
        try checkTemplate()
        try checkSections()
        for section in file.sections where section.name == kind.section {
            for option in section.options { try checkKey(option) }
        }
        for section in file.sections where section.name == "Quadlet" {
            for option in section.options where !QuadletKeys.quadletSection.keys.contains(option.key) {
                throw unknown(option, in: "Quadlet", among: QuadletKeys.quadletSection.keys)
            }
        }
        try checkRequired()
        try checkService()
        try checkPaths()
        try checkReferences()
        _ = try name.service(file)
    }

    // MARK: Sections and keys

    private func checkTemplate() throws(UnitFileError) {
        guard name.instance != nil, !kind.serviceSuffix.isEmpty else { return }
        throw UnitFileError(
            path: file.path,
            message: "a .\(kind.rawValue) file cannot be a template; templates are .container and .kube files"
        )
    }

    private func checkSections() throws(UnitFileError) {
        let others = QuadletKind.allCases.filter { $0 != kind }
        for section in file.sections {
            if let other = others.first(where: { $0.section == section.name }) {
                throw error(
                    at: section,
                    "[\(section.name)] belongs into a .\(other.rawValue) file; this is a .\(kind.rawValue) file, "
                        + "whose section is [\(kind.section)]"
                )
            }
            let known = ["Unit", "Service", "Install", "Quadlet", FleetSection.name, kind.section]
            guard !known.contains(section.name), !section.name.hasPrefix("X-") else { continue }
            let guess = Spelling.nearest(to: section.name, among: known)
            let wayOut = guess.map { "; did you mean [\($0)]?" } ?? "; it has " + known.joined(separator: ", ")
            throw error(
                at: section,
                "[\(section.name.printable(limit: 40))] means nothing in a .\(kind.rawValue) file\(wayOut)"
            )
        }
        guard !file.hasSection(kind.section) else { return }
        throw UnitFileError(
            path: file.path,
            message: "the file has no [\(kind.section)] section, which every .\(kind.rawValue) file needs"
        )
    }

    private func checkKey(_ option: ParsedUnitFile.Option) throws(UnitFileError) {
        guard QuadletKeys.since(option.key, in: kind) == nil else { return }
        throw unknown(option, in: kind.section, among: QuadletKeys.all(of: kind))
    }

    private func unknown(
        _ option: ParsedUnitFile.Option,
        in section: String,
        among keys: [String]
    ) -> UnitFileError {
        let wayOut =
            Spelling.nearest(to: option.key, among: keys).map { "did you mean \($0)=?" }
            ?? "PodmanArgs= takes what podman has an option for and Quadlet no key"
        return UnitFileError(
            path: file.path,
            line: option.line,
            column: option.column,
            message: "unknown key \(option.key.printable(limit: 40))= in [\(section)]; \(wayOut)"
        )
    }

    private func checkRequired() throws(UnitFileError) {
        func has(_ key: String) -> Bool { file.lastValue(section: kind.section, key: key) != nil }
        switch kind {
        case .container:
            guard has("Image") || has("Rootfs") else { throw missing("Image= (or Rootfs=)") }
            guard let rootfs = file.options(section: kind.section, key: "Rootfs").last, has("Image"), has("Rootfs")
            else { return }
            throw file.error(at: rootfs, "a container has Image= or Rootfs=, not both; remove one")
        case .kube: guard has("Yaml") else { throw missing("Yaml=") }
        case .image: guard has("Image") else { throw missing("Image=") }
        case .build:
            guard has("ImageTag") else { throw missing("ImageTag=") }
            guard has("File") || has("SetWorkingDirectory") else { throw missing("File= (or SetWorkingDirectory=)") }
        case .pod, .network, .volume: return
        }
    }

    private func missing(_ what: String) -> UnitFileError {
        let section = file.sections.first { $0.name == kind.section }
        return UnitFileError(
            path: file.path,
            line: section?.line ?? 0,
            message: "a .\(kind.rawValue) file needs \(what) in [\(kind.section)]; add it"
        )
    }

    // MARK: What the generator refuses in [Service]

    private func checkService() throws(UnitFileError) {
        if kind == .container || kind == .kube {
            try allow(["mixed", "control-group"], for: "KillMode", "podman has to see the end of its container")
            try allow(["notify", "oneshot"], for: "Type", "Quadlet makes no other type")
        }
        for key in ["User", "Group", "DynamicUser"] {
            guard let option = file.options(section: "Service", key: key).last, !option.value.isEmpty else { continue }
            throw file.error(
                at: option,
                "\(key)= in [Service] does not work with podman: it would lose its containers; "
                    + "use User= or UserNS= of [Container]"
            )
        }
    }

    private func allow(_ values: [String], for key: String, _ why: String) throws(UnitFileError) {
        guard let option = file.options(section: "Service", key: key).last, !option.value.isEmpty,
            !values.contains(option.value)
        else { return }
        throw file.error(
            at: option,
            "\(key)=\(option.value.printable(limit: 40)) is not allowed in a .\(kind.rawValue) file: \(why); "
                + "use \(values.joined(separator: " or "))"
        )
    }

    // MARK: What is on the user's machine only

    /// Relative paths are relative to the Quadlet file, and nothing beside it but Quadlet files is sent.
    private func checkPaths() throws(UnitFileError) {
        for key in ["Yaml", "ConfigMap", "EnvironmentFile", "IgnoreFile", "SeccompProfile"] {
            for option in file.options(section: kind.section, key: key) {
                for word in option.value.split(whereSeparator: \.isWhitespace) {
                    let path = word.hasPrefix("-") ? word.dropFirst() : word
                    // A profile has a name too, and a specifier may stand for a path.
                    let isName = key == "SeccompProfile" && !path.contains("/")
                    guard !path.hasPrefix("/"), !path.hasPrefix("%"), !isName else { continue }
                    throw relative(option, String(path))
                }
            }
        }
        for key in ["Volume", "Rootfs"] where kind != .volume {
            for option in file.options(section: kind.section, key: key) where option.value.hasPrefix(".") {
                throw relative(option, option.value)
            }
        }
        for option in file.options(section: kind.section, key: "Mount") {
            let source = QuadletMount(option.value).source ?? ""
            if source.hasPrefix(".") { throw relative(option, source) }
        }
        try checkBuildContext()
    }

    private func checkBuildContext() throws(UnitFileError) {
        guard let context = file.options(section: kind.section, key: "SetWorkingDirectory").last else {
            guard kind == .build, let option = file.options(section: kind.section, key: "File").last,
                !option.value.hasPrefix("/"), !option.value.hasPrefix("%"), !option.value.contains("://")
            else { return }
            throw relative(option, option.value)
        }
        let value = context.value
        let isElsewhere = ["/", "%"].contains { value.hasPrefix($0) } || value.contains("://")
        // `yaml` is the folder of an absolute path, since `Yaml=` has to be one.
        guard !isElsewhere, !value.isEmpty, !(kind == .kube && value == "yaml") else { return }
        throw relative(context, value)
    }

    private func relative(_ option: ParsedUnitFile.Option, _ path: String) -> UnitFileError {
        file.error(
            at: option,
            "\(option.key)= has \(path.printable(limit: 60)), which is beside the file and is not sent with it; "
                + "give the absolute path of something that is on the machines"
        )
    }

    // MARK: References

    private func checkReferences() throws(UnitFileError) {
        if let pod = file.options(section: kind.section, key: "Pod").last, !pod.value.isEmpty,
            QuadletKind(ofFile: pod.value) != .pod
        {
            throw file.error(at: pod, "Pod= names a .pod file, such as \(pod.value.printable(limit: 40)).pod")
        }
        for option in file.optionsInForce(section: kind.section, key: "Mount") {
            let mount = QuadletMount(option.value)
            guard let source = mount.source, source.hasSuffix(".build") || source.hasSuffix(".artifact") else {
                continue
            }
            throw file.error(
                at: option,
                "Mount= takes .volume and .image files, not \(source.printable(limit: 60)); "
                    + "name what that file makes, which has to be on the machines"
            )
        }
        for reference in file.references(of: kind) {
            do throws(UnitNameError) {
                let other = try QuadletName(reference.text)
                guard other != name else { throw UnitNameError("the file refers to itself") }
                guard other.instance == nil || other.kind == .container || other.kind == .kube else {
                    throw UnitNameError("a .\(other.kind.rawValue) file cannot be a template")
                }
            } catch {
                let wayOut =
                    reference.text.contains("%")
                    ? "Quadlet expands no specifiers in the name of a file; write the name itself" : "\(error)"
                throw file.error(
                    at: reference.option,
                    "\(reference.key)=\(reference.text.printable(limit: 60)): \(wayOut)"
                )
            }
        }
    }

    private func error(at section: ParsedUnitFile.Section, _ message: String) -> UnitFileError {
        UnitFileError(path: file.path, line: section.line, column: section.column, message: message)
    }
}
