/// The version of this build: what `--version` prints, a machine announces, and the packages carry. It equals the
/// newest entry of CHANGELOG.md, which a test compares.
package enum FleetVersion {
    package static let text = "0.1.0"
}
