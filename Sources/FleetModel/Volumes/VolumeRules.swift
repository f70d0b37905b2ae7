import UnitFile

/// What `VolumePolicy=` cannot keep: found before a unit file is stored.
struct VolumeRules {
    let name: UnitName
    let source: QuadletName?
    let file: ParsedUnitFile
    let section: FleetSection
    let options: FleetOptions

    func check() throws(UnitFileError) {
        let facts = VolumeFacts(of: source?.kind, file)
        if options.volumePolicy == .sticky, let value = section.values[.volumePolicy]?.last {
            let hasAny = !facts.isEmpty || source?.kind == .volume
            guard hasAny else {
                let places = source == nil ? "StateDirectory= in [Service]" : "Volume=, Mount= or StateDirectory="
                throw file.error(
                    at: value.option,
                    "VolumePolicy=sticky and the file names no volume to keep to (\(places)); name one, or remove the line"
                )
            }
        }
        guard let source, options.volumePolicy != .lose, !options.isGlobal else { return }
        for (option, text) in VolumeFacts.sources(of: source.kind, file) where text.contains("%") {
            try check(text, of: option)
        }
        if source.kind == .volume, let option = file.options(section: "Volume", key: "VolumeName").last {
            try check(option.value, of: option)
        }
    }

    /// A volume whose name fleet cannot tell is one that it would leave behind without a word.
    private func check(_ text: String, of option: ParsedUnitFile.Option) throws(UnitFileError) {
        let wayOut =
            "fleet could not keep the unit with its data; write another name, or VolumePolicy=lose in [X-Fleet]"
        do throws(UnitNameError) {
            guard let open = try SpecifierText(text).specifiers.first(where: \.isPerMachine) else { return }
            throw UnitNameError("the name of a volume that depends on the machine (%\(open.rawValue))")
        } catch {
            throw file.error(at: option, "\(option.key)=\(text.printable(limit: 60)) has \(error): \(wayOut)")
        }
    }
}
