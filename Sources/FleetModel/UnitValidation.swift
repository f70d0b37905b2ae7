package import UnitFile

/// Everything that is checked before a unit file is stored, in one place: `fleetctl` runs it before it sends a file, and
/// `fleetd` before it stores one, so that both give the same error (promise P8).
package enum UnitValidation {
    /// Checks size, grammar, `[X-Fleet]` and what systemd would refuse when it loads the unit. `path` is the file as
    /// the user named it; without one, errors are reported under the unit's name.
    package static func validate(
        name: UnitName,
        text: String,
        path: String? = nil
    ) throws(UnitFileError) -> (ParsedUnitFile, FleetSection, FleetOptions) {
        let file = try ParsedUnitFile.parse(text, path: path ?? name.description)
        let section = try FleetSection.parse(file)
        return (file, section, try section.options(for: name))
    }

    /// What is probably a mistake, or will behave in a way that surprises, and is still accepted.
    package static func warnings(name: UnitName, file: ParsedUnitFile) -> [String] { [] }
}
