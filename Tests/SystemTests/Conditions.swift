import Lab
import Testing

/// What the host has to offer before machines can be tested, and the one suite that everything else is in.
enum Conditions {
    /// Empty when the tests can run; otherwise the reason.
    static let missing: String = {
        if !Lab.isUsable.isEmpty { return Lab.isUsable }
        let names = Set(DebPackage.built().map(\.name))
        guard names.isSuperset(of: ["fleetd", "fleetctl"]) else {
            return "the packages are not built: run `make deb` first"
        }
        return ""
    }()
}

/// The packages on real machines, and nothing else: no test here knows a type of ours.
@Suite(.serialized, .enabled(if: Conditions.missing.isEmpty, Comment(rawValue: Conditions.missing)))
enum SystemTests {}
