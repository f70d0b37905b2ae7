import FleetAPI
import FleetModel
import FleetRuntime
import FleetUseCases
import HTTPTypes
import UnitFile

/// PUT and DELETE of fleet's own API.
extension Routes {
    /// 201 when the unit's file was stored, 204 when only its target state was set. Which of the two it is depends on
    /// the options, compared as options: comments of the stored file are not lost to a client that sends back what it
    /// got.
    ///
    /// `path` may name a Quadlet file. What is put at the name of a unit that comes from one is that file still.
    func putUnit(_ path: String, _ request: APIRequest) async throws(APIError) -> Answer {
        let unit = try await request.json(V1.Unit.self)
        let state = try Self.state(unit.desiredState)
        let options = unit.options ?? []
        let text = try options.isEmpty ? nil : V1.text(of: options)
        let snapshot = try await control.snapshot()
        let (name, source) = try meaning(of: path, unit.source, text, in: snapshot)
        if let given = unit.name, !given.isEmpty, ![path, name.description, source?.description].contains(given) {
            let message = "name in URL \"\(path)\" differs from unit name in request body \"\(given.printable())\""
            throw APIError(400, message)
        }
        let isStored = snapshot.unitRevisions[name] != nil
        guard isStored || !options.isEmpty else {
            throw APIError(409, "unit does not exist and options field empty")
        }
        guard let text else { return try await put(name, state, request) }
        if let file = snapshot.units[name]?.intent.file, try await isSame(text, file, name) {
            return try await put(name, state, request)
        }
        let submission = Submission(name: name, source: source, text: text, path: nil)
        let change = Change.submit([submission], target: state ?? .inactive, replace: .always)
        try Self.check(name, try await control.perform(change, by: await request.user()))
        return .empty(.created)
    }

    func deleteUnit(_ name: UnitName, _ request: APIRequest) async throws(APIError) -> Answer {
        let outcome = try await control.perform(.destroy([name]), by: await request.user())
        if case .refused(let error) = outcome.units[name], error.kind == .notFound {
            throw APIError(404, "unit does not exist")
        }
        try Self.check(name, outcome)
        return .empty(.noContent)
    }

    /// The unit that a path means when this text is put there, and the Quadlet file that it is then: the one in the
    /// path, in the body, or that is stored.
    private func meaning(
        of path: String,
        _ given: String?,
        _ text: String?,
        in snapshot: Snapshot
    ) throws(APIError) -> (UnitName, QuadletName?) {
        let file = text.flatMap { try? ParsedUnitFile.parse($0) }
        guard let source = try quadletName(path) else {
            let name = try unitName(path)
            if let given, let source = try quadletName(given) { return (name, source) }
            let stored = snapshot.units[name]?.intent.source
            return (name, stored.flatMap { file?.hasSection($0.kind.section) == true ? $0 : nil })
        }
        guard let file else { return (try Self.name(meantBy: source, in: snapshot), source) }
        do throws(UnitFileError) {
            return (try source.service(file), source)
        } catch {
            throw APIError(400, error.description)
        }
    }

    private func put(_ name: UnitName, _ state: TargetState?, _ request: APIRequest) async throws(APIError) -> Answer {
        guard let state else { throw APIError(409, "must provide DesiredState to update existing unit") }
        try Self.check(name, try await control.perform(.target([name], state), by: await request.user()))
        return .empty(.noContent)
    }

    private func isSame(_ text: String, _ file: ContentHash, _ name: UnitName) async throws(APIError) -> Bool {
        if ContentHash(of: text) == file { return true }
        guard let given = try? ParsedUnitFile.parse(text), let stored = try? await options(of: file, for: name) else {
            return false
        }
        return V1.options(of: given) == stored
    }

    /// fleet stored whatever it was given here, and could not read it back afterwards.
    private static func state(_ text: String?) throws(APIError) -> TargetState? {
        guard let text, !text.isEmpty else { return nil }
        guard let state = TargetState(rawValue: text) else {
            let states = TargetState.allCases.map(\.rawValue).joined(separator: ", ")
            throw APIError(400, "desiredState: \"\(text.printable())\" is none of \(states)")
        }
        return state
    }

    private static func check(_ name: UnitName, _ outcome: ChangeOutcome) throws(APIError) {
        if case .refused(let error) = outcome.units[name] { throw APIError(error) }
    }
}
