import FleetAPI
import FleetModel
import FleetRuntime
import FleetUseCases
import HTTPTypes
import UnitFile

/// Answers requests. It holds no state: what it says comes from the snapshot of that moment.
struct Routes: Sendable {
    let control: any FleetControl
    let explainer: any PlacementExplainer
    let limits: ServerLimits

    /// Never throws: what goes wrong is an answer too.
    func answer(_ request: APIRequest) async -> Answer {
        guard let route = Route(request.target.segments) else {
            return .failure(APIError(404, "no such resource; GET /fleet/v1/discovery says what there is"))
        }
        guard route.methods.contains(request.method) else { return .methodNotAllowed(route.methods) }
        do throws(APIError) {
            return try await answer(route, request)
        } catch {
            return .failure(error)
        }
    }

    private func answer(_ route: Route, _ request: APIRequest) async throws(APIError) -> Answer {
        switch route {
        case .nothing: .methodNotAllowed([])
        case .v1Machines:
            request.method == .patch ? try await patchMachines(request) : try await v1Machines(request)
        case .v1Units: try await v1Units(request)
        case .v1Unit(let name):
            switch request.method {
            case .put: try await putUnit(name, request)
            case .delete: try await deleteUnit(unitName(meantBy: name), request)
            default: try await v1Unit(unitName(meantBy: name))
            }
        case .v1States: try await v1States(request)
        case .v1State(let name): try await v1State(unitName(meantBy: name))
        case .v1Discovery: .json(.ok, V1.discovery(version: control.version))
        case .machines: .value(MachineListing(of: try await control.snapshot(), now: control.now))
        case .machineOrders: try await order(request)
        case .brake: try await brake()
        case .brakeRelease: try await releaseBrake(request)
        case .volumes: try await volumes()
        case .forgetVolumes: try await forgetVolumes(request)
        case .units: .value(UnitListing(of: try await control.snapshot(), explainer: explainer))
        case .unit(let name): try await unit(unitName(meantBy: name))
        case .journal(let name): try await journal(unitName(meantBy: name), request)
        case .change: try await change(request)
        case .events: try await events(request)
        case .registry: request.method == .post ? try await importRegistry(request) : try await exportRegistry()
        case .credentials(let kind):
            request.method == .post ? try await rotateSecrets(request) : try await list(kind)
        case .credential(let kind, let name): try await credential(CredentialID(kind, credentialName(name)), request)
        case .version: .value(VersionReport(version: control.version))
        case .health: await health()
        }
    }

    func unitName(_ text: String) throws(APIError) -> UnitName {
        do throws(UnitNameError) {
            return try UnitName(text)
        } catch {
            throw APIError(400, error.description)
        }
    }

    /// Takes the name of a Quadlet file for that of its unit.
    func unitName(meantBy text: String) async throws(APIError) -> UnitName {
        guard let source = try quadletName(text) else { return try unitName(text) }
        return try Self.name(meantBy: source, in: try await control.snapshot())
    }

    /// The unit that comes from the file, or would. One of that name that comes from another file is not meant: who
    /// destroys `web.kube` would lose the unit of `web.container`.
    static func name(meantBy source: QuadletName, in snapshot: Snapshot) throws(APIError) -> UnitName {
        let name = snapshot.name(meantBy: source)
        guard let unit = snapshot.units[name], unit.intent.source != source else { return name }
        let origin = unit.intent.source.map { "\($0)" } ?? "a unit file of systemd's"
        throw APIError(404, "\(name) is stored from \(origin), not from \(source)")
    }

    /// nil for what does not end like the name of a Quadlet file.
    func quadletName(_ text: String) throws(APIError) -> QuadletName? {
        guard QuadletKind(ofFile: text) != nil else { return nil }
        do throws(UnitNameError) {
            return try QuadletName(text)
        } catch {
            throw APIError(400, error.description)
        }
    }

    // MARK: v2

    private func unit(_ name: UnitName) async throws(APIError) -> Answer {
        let snapshot = try await control.snapshot()
        guard let unit = snapshot.units[name] else { throw Self.missing(name, in: snapshot) }
        let text = try await control.text(of: unit.intent.file)
        let events = try await control.events(of: name)
        guard
            let detail = UnitDetail(of: name, text: text, events: events, in: snapshot, explainer: explainer)
        else { throw Self.missing(name, in: snapshot) }
        return .value(detail)
    }

    /// 503 with the same body as 200 when something is amiss, for probes that look at the status only.
    private func health() async -> Answer {
        let systemd = await control.systemdProblem()
        let report: HealthReport
        do throws(APIError) {
            let snapshot = try await control.snapshot()
            report = HealthReport(registry: nil, leader: snapshot.leadership?.machine, systemd: systemd)
        } catch {
            report = HealthReport(registry: error.error.message, leader: nil, systemd: systemd)
        }
        return .json(report.healthy ? .ok : .serviceUnavailable, JSON.encode(report))
    }

    /// The error for a unit that a snapshot does not show.
    static func missing(_ name: UnitName, in snapshot: Snapshot) -> APIError {
        guard snapshot.unitRevisions[name] != nil else { return APIError(404, "unit does not exist") }
        return APIError(500, "\(name) is stored but cannot be read: destroy it, or submit it again with --replace")
    }
}
