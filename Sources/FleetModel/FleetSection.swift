package import UnitFile

/// `[X-Fleet]` of one unit file: checked, with specifiers not yet expanded, so that one parsed template serves all its
/// instances.
package struct FleetSection: Sendable {
    package static func parse(_ file: ParsedUnitFile) throws(UnitFileError) -> FleetSection {
        FleetSection()
    }

    /// What the section asks for when the unit is called `name`.
    package func options(for name: UnitName) throws(UnitFileError) -> FleetOptions {
        FleetOptions()
    }
}
