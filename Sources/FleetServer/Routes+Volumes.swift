import FleetAPI
import FleetModel
import FleetRuntime
import FleetUseCases

/// `GET /fleet/v2/volumes` and `POST /fleet/v2/volumes/forget`
extension Routes {
    func volumes() async throws(APIError) -> Answer {
        .value(VolumeListing(of: try await control.snapshot()))
    }

    func forgetVolumes(_ request: APIRequest) async throws(APIError) -> Answer {
        let wanted = try await request.json(ForgetVolumesRequest.self)
        guard !wanted.volumes.isEmpty else { throw APIError(400, "volumes: no volumes given") }
        guard wanted.volumes.count <= limits.units else {
            throw APIError(413, "volumes: at most \(limits.units) in one request, this has \(wanted.volumes.count)")
        }
        _ = try await control.perform(.forgetVolumes(wanted.volumes), by: await request.user())
        return try await volumes()
    }
}
