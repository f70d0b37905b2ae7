package import FleetAPI
package import FleetUseCases

extension APIError {
    /// A refusal of a use case as the API answers it.
    package init(_ error: UseCaseError) {
        let code =
            switch error.kind {
            case .notFound: 404
            case .conflict: 409
            case .invalid: 400
            }
        self.init(code, error.message)
    }
}
