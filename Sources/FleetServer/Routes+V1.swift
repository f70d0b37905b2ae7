import FleetAPI
import FleetModel
import FleetRuntime
import FleetUseCases
import HTTPTypes
import UnitFile

/// The routes of fleet's own API that read, and labels.
extension Routes {
    func v1Machines(_ request: APIRequest) async throws(APIError) -> Answer {
        let page = try page(request)
        return .value(V1.machines(in: try await control.snapshot(), page: page))
    }

    /// All operations are checked before the first is applied, and applied together.
    func patchMachines(_ request: APIRequest) async throws(APIError) -> Answer {
        let patches = try await request.json([V1.MachinePatch].self, isDeclared: false)
        let changes = patches.map { patch in
            switch patch.operation {
            case .set(let value): LabelChange(machine: patch.machine, key: patch.key, operation: .set(value))
            case .remove: LabelChange(machine: patch.machine, key: patch.key, operation: .remove)
            }
        }
        _ = try await control.perform(.label(changes), by: await request.user())
        return .empty(.noContent)
    }

    func v1Units(_ request: APIRequest) async throws(APIError) -> Answer {
        let page = try page(request)
        let snapshot = try await control.snapshot()
        let (names, next) = V1.unitNames(in: snapshot, page: page)
        var units: [V1.Unit] = []
        for name in names {
            guard let file = snapshot.units[name]?.intent.file else { continue }
            let options = try await options(of: file, for: name)
            if let unit = V1.unit(name, options: options, in: snapshot) { units.append(unit) }
        }
        return .value(V1.UnitPage(units: units, nextPageToken: next))
    }

    func v1Unit(_ name: UnitName) async throws(APIError) -> Answer {
        let snapshot = try await control.snapshot()
        guard let file = snapshot.units[name]?.intent.file,
            let unit = V1.unit(name, options: try await options(of: file, for: name), in: snapshot)
        else { throw Self.missing(name, in: snapshot) }
        return .value(unit)
    }

    func v1States(_ request: APIRequest) async throws(APIError) -> Answer {
        let page = try page(request)
        var unit = request.target.values(of: "unitName").last.flatMap { $0.isEmpty ? nil : $0 }
        let machine = request.target.values(of: "machineID").last.flatMap { $0.isEmpty ? nil : $0 }
        let snapshot = try await control.snapshot()
        // A name that nothing can have finds nothing, as in fleet.
        if let source = unit.flatMap({ try? QuadletName($0) }) {
            unit = (try? Self.name(meantBy: source, in: snapshot))?.description ?? source.description
        }
        return .value(V1.states(in: snapshot, unit: unit, machine: machine, page: page))
    }

    func v1State(_ name: UnitName) async throws(APIError) -> Answer {
        guard let state = V1.state(of: name, in: try await control.snapshot()) else {
            throw APIError(404, "unit state does not exist: no machine reports \(name)")
        }
        return .value(state)
    }

    func options(of file: ContentHash, for name: UnitName) async throws(APIError) -> [V1.UnitOption] {
        let text = try await control.text(of: file)
        do throws(UnitFileError) {
            return V1.options(of: try ParsedUnitFile.parse(text, path: name.description))
        } catch {
            throw APIError(500, "the stored file cannot be read: \(error)")
        }
    }

    private func page(_ request: APIRequest) throws(APIError) -> V1.PageToken {
        let tokens = request.target.values(of: "nextPageToken")
        guard tokens.count <= 1 else { throw APIError(400, "nextPageToken is given more than once") }
        guard let token = tokens.first, !token.isEmpty else { return V1.PageToken(limit: limits.pageItems) }
        return try V1.PageToken(token, limit: limits.pageItems)
    }
}
