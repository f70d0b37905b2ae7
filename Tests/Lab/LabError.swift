/// What went wrong in the lab, in one sentence a person can act on.
package struct LabError: Error, CustomStringConvertible {
    package var message: String

    package init(_ message: String) { self.message = message }

    package var description: String { message }
}
