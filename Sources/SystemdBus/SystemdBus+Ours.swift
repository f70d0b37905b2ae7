extension SystemdBus {
    /// Whether units of a fleet are installed on this machine, running or not; readable without a connection.
    package static func hasUnits() -> Bool {
        !UnitDirectory(paths: SystemdPaths(), longestStop: .zero).list().isEmpty
    }
}
