import FleetModel
import FleetPlanner
import UnitFile

/// Runs the commands of a script on a fleet and says what came of them. Machines are called by one hexadecimal digit.
///
///     machine add A [key=value ...]      a machine is present, with this metadata
///     machine lose A                     its lease ends
///     label A [key=value ...]            operator labels; `key=` hides a key
///     submit NAME [TARGET] [Option=value ...]
///     target NAME TARGET / restart NAME / destroy NAME / reset-failed NAME / unreadable NAME
///     fail NAME A [nothing|VOLUME...]    the present run fails for good; what its volumes hold, where that is known
///     refuse NAME A REASON... / accept NAME A
///     cordon A [REASON...] / drain A [SECONDS] / uncordon A
///     brake / release                    the leader writes the brake down; an operator releases it
///     arrive NAME A [STATE]              the present run is up; STATE of its health check
///     wish NAME A [lose]                 a move is asked for; its volumes may be lost
///     forget VOLUME                      a user forgets where it is
///     force NAME A                       an assignment that the planner did not make
///     advance SECONDS
///     plan                               prints the plan, audits it, applies it
///     show                               prints the assignments
///     homes                              prints where volumes are
///     explain NAME                       prints why machines are not eligible
struct ScriptFleet {
    private var fleet = TestFleet()
    private let start = TestFleet().now

    mutating func run(_ line: String) -> [String] {
        var words = line.split(separator: " ").map(String.init)
        let command = words.removeFirst()
        do {
            return try run(command, words)
        } catch {
            return ["error: \(error)"]
        }
    }

    private struct Mistake: Error, CustomStringConvertible {
        var description: String
    }

    private mutating func run(_ command: String, _ words: [String]) throws -> [String] {
        func word(_ place: Int) throws -> String {
            guard place < words.count else { throw Mistake(description: "\(command) needs more words") }
            return words[place]
        }
        func name() throws -> UnitName { try UnitName(try word(0)) }
        func id(_ place: Int) throws -> MachineID { machine(Character(try word(place))) }
        switch command {
        case "machine":
            if try word(0) == "lose" { fleet.lose(try id(1)) } else { fleet.machine(try id(1), metadata: pairs(words)) }
        case "label": fleet.label(try id(0), pairs(words).mapValues { $0.isEmpty ? nil : $0 })
        case "submit":
            let target = words.count > 1 ? TargetState(rawValue: words[1]) : nil
            let rest = words.dropFirst(target == nil ? 1 : 2)
            let volumes = rest.filter { $0.hasPrefix("Volume=") }.map { volume(String($0.dropFirst(7))) }
            let others = rest.filter { !$0.hasPrefix("Volume=") }
            fleet.submit(try name(), volumes: volumes, target: target ?? .launched, try options(others[...]))
        case "target":
            guard let target = TargetState(rawValue: try word(1)) else { throw Mistake(description: "no such target") }
            fleet.target(try name(), target)
        case "restart": fleet.restart(try name())
        case "destroy": fleet.destroy(try name())
        case "reset-failed": fleet.resetFailed(try name())
        case "unreadable": fleet.makeUnreadable(try name())
        case "fail":
            let held = words.dropFirst(2).filter { $0 != "nothing" }.map { volume($0) }
            fleet.fail(try name(), on: try id(1), holding: words.count > 2 ? held : nil)
        case "forget": fleet.forget(volume(try word(0)))
        case "homes":
            return fleet.snapshot.volumeHomes.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value.machine.short)" }
        case "refuse": fleet.refuse(try name(), on: try id(1), words.dropFirst(2).joined(separator: " "))
        case "brake":
            fleet.brake()
            guard let brake = fleet.snapshot.brake else { return ["no machine is lost"] }
            return [
                "lost: \(brake.unreleased.map(\.short).joined(separator: ", ")); \(brake.since == nil ? "off" : "on")"
            ]
        case "release": fleet.releaseBrake()
        case "cordon": fleet.cordon(try id(0), words.count > 1 ? words.dropFirst().joined(separator: " ") : nil)
        case "drain": fleet.drain(try id(0), deadline: words.count > 1 ? .seconds(Int(words[1]) ?? 0) : nil)
        case "uncordon": fleet.order(try id(0), MachineOrders())
        case "wish": fleet.wish(try name(), on: try id(1), losing: words.last == "lose")
        case "arrive":
            fleet.arrive(try name(), on: try id(1), words.count > 2 ? HealthStatus.State(rawValue: words[2]) : nil)
        case "accept": fleet.refuse(try name(), on: try id(1), nil)
        case "force": fleet.force(try name(), on: try id(1))
        case "advance": fleet.now = fleet.now.advanced(by: .seconds(Int(try word(0)) ?? 0))
        case "plan": return plan()
        case "show": return show()
        case "explain": return try explain(try name())
        default: throw Mistake(description: "no such command: \(command)")
        }
        return []
    }

    private mutating func plan() -> [String] {
        let plan = fleet.plan()
        let findings = PlanAudit.check(plan, fleet.snapshot, now: fleet.now, scope: .everything)
        fleet.apply(plan)
        let again = fleet.plan()
        return plan.description.split(separator: "\n").map { relative(String($0)) }
            + findings.map { "AUDIT: \($0)" }
            + again.decisions.map { "DOES NOT COME TO REST: \($0)" }
    }

    private func show() -> [String] {
        let lines = fleet.snapshot.assignments.sorted { $0.key < $1.key }.map { name, assignments in
            let places = assignments.sorted { $0.key < $1.key }.map { id, assignment in
                "\(id.short) \(assignment.target.rawValue) \(assignment.run)"
            }
            return "\(name): \(places.joined(separator: ", "))"
        }
        return lines.isEmpty ? ["nothing is assigned"] : lines
    }

    private func explain(_ name: UnitName) throws -> [String] {
        guard let unit = fleet.snapshot.units[name] else { throw Mistake(description: "no such unit") }
        let reasons = Eligibility.explain(unit, in: fleet.snapshot)
        return fleet.snapshot.machines.keys.sorted().map { "\($0.short): \(reasons[$0]?.description ?? "eligible")" }
    }

    /// Times as seconds since the script began.
    private func relative(_ line: String) -> String {
        line.split(separator: " ", omittingEmptySubsequences: false).map { word in
            let text = word.hasSuffix(",") || word.hasSuffix(")") ? String(word.dropLast()) : String(word)
            guard let time = Timestamp(text.hasSuffix(")") ? String(text.dropLast()) : text) else {
                return String(word)
            }
            let rest = word.dropFirst(24)
            return "+\(time.since(start).words)\(rest)"
        }.joined(separator: " ")
    }

    private func pairs(_ words: [String]) -> [String: String] {
        var pairs: [String: String] = [:]
        for word in words {
            guard let equals = word.firstIndex(of: "=") else { continue }
            pairs[String(word[..<equals])] = String(word[word.index(after: equals)...])
        }
        return pairs
    }

    private func options(_ words: ArraySlice<String>) throws -> FleetOptions {
        var options = FleetOptions()
        for word in words {
            let parts = word.split(separator: "=", maxSplits: 1).map(String.init)
            guard parts.count == 2 else { throw Mistake(description: "\(word) is no option") }
            let value = parts[1]
            func seconds() throws -> Duration { .seconds(Int(value) ?? 0) }
            switch parts[0] {
            case "MachineID":
                options.machineID = MachineText(value.count == 1 ? machine(Character(value)).short : value)
            case "MachineOf": options.machineOf.append(try UnitName(value))
            case "MachineMetadata":
                let pair = value.split(separator: "=").map(String.init)
                guard pair.count == 2 else { throw Mistake(description: "\(word) is no metadata") }
                options.metadata[pair[0], default: []].insert(MachineText(pair[1]))
            case "Conflicts": options.conflicts.append(UnitPattern(value))
            case "Replaces": options.replaces.append(UnitPattern(value))
            case "Global": options.isGlobal = value == "yes"
            case "AtMostOnce": options.atMostOnce = value == "yes"
            case "VolumePolicy": options.volumePolicy = VolumePolicy(rawValue: value)
            case "HealthCmd": options.health = HealthCheck(probe: .command(value))
            case "Reschedule":
                guard let trigger = ReschedulePolicy.Trigger(rawValue: value) else {
                    throw Mistake(description: "\(word) is no trigger")
                }
                options.reschedule.trigger = trigger
            case "RescheduleDelaySec": options.reschedule.delay = try seconds()
            case "RescheduleMaxDelaySec": options.reschedule.maximumDelay = try seconds()
            case "RescheduleLimit": options.reschedule.limit = Int(value) ?? 0
            case "RescheduleLimitIntervalSec": options.reschedule.limitInterval = try seconds()
            default: throw Mistake(description: "\(word) is no option")
            }
        }
        return options
    }
}
