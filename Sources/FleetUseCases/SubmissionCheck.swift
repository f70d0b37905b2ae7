import FleetModel
import UnitFile

/// What is wrong with a unit file before it is stored, as people read it. fleetctl runs the same validation.
enum SubmissionCheck {
    /// `sources` are the Quadlet files that are stored or come with this one.
    static func problems(of submission: Submission, beside sources: (QuadletName) -> Bool) -> [String] {
        guard let text = submission.text else { return [] }
        do throws(UnitFileError) {
            let (file, _, _) = try UnitValidation.validate(
                name: submission.name,
                source: submission.source,
                text: text,
                path: submission.path
            )
            guard let source = submission.source else { return [] }
            return file.references(of: source.kind).compactMap { reference in
                guard let name = try? QuadletName(reference.text), !sources(name) else { return nil }
                let message =
                    "\(reference.key)= names \(name), which is neither in the registry nor in this request; put the file "
                    + "beside this one, or submit it first"
                return "\(file.error(at: reference.option, message))"
            }
        } catch {
            return ["\(error)"]
        }
    }
}
