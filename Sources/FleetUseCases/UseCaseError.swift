package import UnitFile

/// Why a change, or one unit's part of it, was refused. Nothing was stored for it.
package struct UseCaseError: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Kind: Hashable, Sendable {
        /// It names something that is not stored.
        case notFound
        /// It makes sense, but not in the state the unit is in.
        case conflict
        /// It makes no sense in any state: a file with errors, say.
        case invalid
    }

    package var kind: Kind
    package var unit: UnitName?
    /// What is wrong and the way out, without a full stop; one line per error of a unit file.
    package var message: String

    package init(_ kind: Kind, _ unit: UnitName? = nil, _ message: String) {
        self.kind = kind
        self.unit = unit
        self.message = message
    }

    package var description: String { message }
}
