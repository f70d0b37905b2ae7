/// A machine that is not present takes nothing.
enum PresenceConstraint {
    static func reason(on host: Host) -> IneligibleReason? {
        host.isPresent ? nil : .notPresent
    }
}
