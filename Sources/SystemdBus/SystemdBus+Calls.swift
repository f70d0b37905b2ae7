import UnitFile

/// The methods of org.freedesktop.systemd1(5) in use, with types.
extension SystemdBus {
    /// One call whose answer `decode` turns into a value, on the bus thread.
    func call<Value: Sendable>(
        _ member: String,
        of interface: String = SystemdName.manager,
        at path: String = SystemdName.managerPath,
        write: (BusWriter) throws(SystemdBusError) -> Void = { _ in },
        decode: @escaping (BusReader) throws(SystemdBusError) -> Value
    ) async throws(SystemdBusError) -> Value {
        let result: Result<Value, SystemdBusError> = await withCheckedContinuation { continuation in
            guard let connection else {
                continuation.resume(returning: .failure(.init(.notConnected, "not connected to systemd")))
                return
            }
            connection.send(member, of: interface, at: path, write: write) { answer in
                continuation.resume(
                    returning: answer.flatMap { reader in
                        do throws(SystemdBusError) {
                            return .success(try decode(reader))
                        } catch {
                            return .failure(error)
                        }
                    }
                )
            }
        }
        return try result.get()
    }

    /// A call whose answer says nothing but that it was done.
    func command(
        _ member: String,
        write: (BusWriter) throws(SystemdBusError) -> Void = { _ in }
    ) async throws(SystemdBusError) {
        try await call(member, write: write, decode: { _ in })
    }

    func subscribe() async throws(SystemdBusError) {
        try await command("Subscribe")
    }

    func managerProperty(_ name: String) async throws(SystemdBusError) -> BusValue {
        try await property(name, of: SystemdName.manager, at: SystemdName.managerPath)
    }

    func property(
        _ name: String,
        of interface: String,
        at path: String
    ) async throws(SystemdBusError) -> BusValue {
        try await call(
            "Get",
            of: SystemdName.properties,
            at: path,
            write: { writer throws(SystemdBusError) in
                try writer.string(interface)
                try writer.string(name)
            },
            decode: { reader throws(SystemdBusError) in try reader.variant() }
        )
    }

    /// Several properties of several units. A property that systemd refuses (the unit's type has none of that name, the
    /// unit is gone) is missing from the answer.
    func properties(_ wanted: [PropertyID]) async throws(SystemdBusError) -> [PropertyID: BusValue] {
        try await gather(wanted) { connection, id, answer in
            connection.send(
                "Get",
                of: SystemdName.properties,
                at: SystemdName.path(of: id.unit.description),
                write: { writer throws(SystemdBusError) in
                    try writer.string(id.interface)
                    try writer.string(id.name)
                },
                answer: answer
            )
        } decode: { reader throws(SystemdBusError) in
            try reader.variant()
        }
    }

    /// Those of the units that systemd has in memory. Does not load any.
    func loadedUnits(_ units: [UnitName]) async throws(SystemdBusError) -> Set<UnitName> {
        let paths = try await gather(units) { connection, unit, answer in
            connection.send(
                "GetUnit",
                write: { writer throws(SystemdBusError) in try writer.string(unit.description) },
                answer: answer
            )
        } decode: { reader throws(SystemdBusError) in
            try reader.string()
        }
        return Set(paths.keys)
    }

    /// Many calls with one wait: all are sent before the first answer is looked at. What systemd refuses is missing
    /// from the result.
    private func gather<ID: Hashable & Sendable, Value: Sendable>(
        _ ids: [ID],
        send: (BusConnection, ID, @escaping (BusConnection.Answer) -> Void) -> Void,
        decode: @escaping (BusReader) throws(SystemdBusError) -> Value
    ) async throws(SystemdBusError) -> [ID: Value] {
        guard let connection else { throw SystemdBusError(.notConnected, "not connected to systemd") }
        guard !ids.isEmpty else { return [:] }
        let result: Result<[ID: Value], SystemdBusError> = await withCheckedContinuation { continuation in
            let gathering = Gathering<ID, Value>(count: ids.count, decode) { continuation.resume(returning: $0) }
            for id in ids { send(connection, id) { gathering.add(id, $0) } }
        }
        return try result.get()
    }

    /// What systemd knows of these units, loading those it does not have in memory (which also refreshes its cache of
    /// unit paths when a folder has changed). Names that it does not accept are missing from the answer.
    func listUnits(_ names: [UnitName]) async throws(SystemdBusError) -> [UnitName: ListedUnit] {
        let units = try await call(
            "ListUnitsByNames",
            write: { writer throws(SystemdBusError) in try writer.strings(names.map(\.description)) },
            decode: { reader throws(SystemdBusError) in
                try reader.array(of: "(ssssssouso)") { reader throws(SystemdBusError) in
                    try reader.structure(of: "ssssssouso") { reader throws(SystemdBusError) in try ListedUnit(reader) }
                }
            }
        )
        var byName: [UnitName: ListedUnit] = [:]
        for unit in units {
            if let name = try? UnitName(unit.name) { byName[name] = unit }
        }
        return byName
    }

    /// Units that systemd has in memory, by their active states (any when there are none) and patterns of their names.
    func listUnits(in states: [String], matching patterns: [String]) async throws(SystemdBusError) -> [ListedUnit] {
        try await call(
            "ListUnitsByPatterns",
            write: { writer throws(SystemdBusError) in
                try writer.strings(states)
                try writer.strings(patterns)
            },
            decode: { reader throws(SystemdBusError) in
                try reader.array(of: "(ssssssouso)") { reader throws(SystemdBusError) in
                    try reader.structure(of: "ssssssouso") { reader throws(SystemdBusError) in try ListedUnit(reader) }
                }
            }
        )
    }

    /// Forgets a failed state and the count of starts; nothing to forget is not an error.
    func resetFailed(_ name: String) async throws(SystemdBusError) {
        do {
            try await command("ResetFailedUnit") { writer throws(SystemdBusError) in try writer.string(name) }
        } catch {
            if !error.isNoSuchUnit { throw error }
        }
    }

    /// Enables until the next boot, replacing links that are in the way. Answers with the units whose `.wants` or
    /// `.requires` folder got a link.
    func enableUnitFiles(_ units: [UnitName]) async throws(SystemdBusError) -> Set<UnitName> {
        let links = try await call(
            "EnableUnitFiles",
            write: { writer throws(SystemdBusError) in
                try writer.strings(units.map(\.description))
                try writer.bool(true)
                try writer.bool(true)
            },
            decode: { reader throws(SystemdBusError) in
                try reader.skip("b")
                return try reader.array(of: "(sss)") { reader throws(SystemdBusError) in
                    try reader.structure(of: "sss") { reader throws(SystemdBusError) in
                        try reader.skip("s")
                        let link = try reader.string()
                        try reader.skip("s")
                        return link
                    }
                }
            }
        )
        return Set(links.compactMap(Self.owner(ofLink:)))
    }

    /// `a.target` for `/run/systemd/system/a.target.wants/b.service`; nil for another kind of link.
    static func owner(ofLink path: String) -> UnitName? {
        let parts = path.split(separator: "/")
        guard parts.count >= 2 else { return nil }
        let folder = parts[parts.count - 2]
        for suffix in [".wants", ".requires", ".upholds"] where folder.hasSuffix(suffix) {
            return try? UnitName(String(folder.dropLast(suffix.count)))
        }
        return nil
    }

    func disableUnitFiles(_ units: [UnitName]) async throws(SystemdBusError) {
        try await command("DisableUnitFiles") { writer throws(SystemdBusError) in
            try writer.strings(units.map(\.description))
            try writer.bool(true)
        }
    }

    /// Queues a job with mode `replace` and waits for its result, in systemd's words (`done`, `failed`, `timeout`...).
    ///
    /// `JobRemoved` may be the very next message after the answer that names the job. The waiter is noted down while
    /// the answer is handled, so there is no moment in which the signal finds nobody.
    func runJob(_ method: String, _ unit: UnitName) async throws -> String {
        try await runJob(method) { writer throws(SystemdBusError) in
            try writer.string(unit.description)
            try writer.string("replace")
        }
    }

    /// The same for a call that takes something else.
    func runJob(
        _ method: String,
        write: (BusWriter) throws(SystemdBusError) -> Void
    ) async throws -> String {
        try await withCheckedThrowingContinuation { continuation in
            guard let connection else {
                return continuation.resume(throwing: SystemdBusError(.notConnected, "not connected to systemd"))
            }
            connection.send(
                method,
                write: write,
                answer: { answer in
                    do throws(SystemdBusError) {
                        let path = try answer.get().string()
                        self.jobs[path, default: []].append(continuation)
                    } catch {
                        continuation.resume(throwing: error)
                    }
                }
            )
        }
    }
}

/// One property of one unit.
struct PropertyID: Hashable, Sendable {
    var unit: UnitName
    var interface: String
    var name: String
}

/// One row of `ListUnitsByNames` and its like.
struct ListedUnit: Hashable, Sendable {
    var name: String
    var load: String
    var active: String
    var sub: String
    var hasJob: Bool

    /// Nothing of it runs or waits, and nothing else is to be said about it.
    var isLoadedAndInactive: Bool { load == "loaded" && active == "inactive" && !hasJob }

    /// What systemd would say of a unit that it has not read yet, if the file is good.
    init(unread unit: UnitName) {
        (name, load, active, sub, hasJob) = (unit.description, "loaded", "inactive", "dead", false)
    }

    init(_ reader: BusReader) throws(SystemdBusError) {
        name = try reader.string()
        try reader.skip("s")
        load = try reader.string()
        active = try reader.string()
        sub = try reader.string()
        try reader.skip("so")
        hasJob = try reader.uint32() != 0
        try reader.skip("so")
    }
}

/// Collects the answers of calls that were sent together.
private final class Gathering<ID: Hashable, Value> {
    private var missing: Int
    private var values: [ID: Value] = [:]
    private var failure: SystemdBusError?
    private let decode: (BusReader) throws(SystemdBusError) -> Value
    private let complete: (Result<[ID: Value], SystemdBusError>) -> Void

    init(
        count: Int,
        _ decode: @escaping (BusReader) throws(SystemdBusError) -> Value,
        _ complete: @escaping (Result<[ID: Value], SystemdBusError>) -> Void
    ) {
        missing = count
        self.decode = decode
        self.complete = complete
    }

    func add(_ id: ID, _ answer: BusConnection.Answer) {
        do throws(SystemdBusError) {
            values[id] = try decode(try answer.get())
        } catch {
            if case .refused = error.code {} else { failure = error }
        }
        missing -= 1
        guard missing == 0 else { return }
        complete(failure.map { .failure($0) } ?? .success(values))
    }
}
