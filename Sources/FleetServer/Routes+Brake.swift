import FleetAPI
import FleetModel
import FleetRuntime
import FleetUseCases

/// `GET /fleet/v2/brake` and `POST /fleet/v2/brake/release`
extension Routes {
    func brake() async throws(APIError) -> Answer {
        .value(BrakeReport(of: try await control.snapshot()))
    }

    func releaseBrake(_ request: APIRequest) async throws(APIError) -> Answer {
        _ = try await control.perform(.releaseBrake, by: await request.user())
        return try await brake()
    }
}
