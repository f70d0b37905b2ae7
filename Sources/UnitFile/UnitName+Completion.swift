/// How a person's words on a command line become a unit name.
extension UnitName {
    /// The name that `text` means: as it is when it ends in a unit type, otherwise with `.service` behind it, as
    /// fleetctl did. Unlike fleetctl, which knew seven types, `x.target` and the other types of systemd are kept.
    package static func completing(_ text: String) throws(UnitNameError) -> UnitName {
        guard !text.isEmpty, !hasKnownSuffix(text) else { return try UnitName(text) }
        return try UnitName(text + ".service")
    }

    /// The name of the unit that the file at `path` holds: its last component, completed.
    package static func ofFile(_ path: String) throws(UnitNameError) -> UnitName {
        try completing(baseName(of: path))
    }

    /// The last component of a path, trailing slashes removed; `/` for the root and `.` for nothing (Go's `path.Base`).
    package static func baseName(of path: String) -> String {
        guard !path.isEmpty else { return "." }
        let components = path.utf8.split(separator: UInt8(ascii: "/"))
        return components.last.map { String(Substring($0)) } ?? "/"
    }

    /// Whether `text` ends in a suffix that is kept. Quadlet's suffixes are looked at before anybody comes here
    /// (`QuadletName`).
    private static func hasKnownSuffix(_ text: String) -> Bool {
        guard let dot = text.utf8.lastIndex(of: UInt8(ascii: ".")) else { return false }
        return UnitType(rawValue: String(text[text.index(after: dot)...])) != nil
    }
}
