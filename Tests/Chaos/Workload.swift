import Lab

/// A unit of the storm, and what the checks have to know of it.
struct WorkUnit: Hashable, Sendable {
    enum Kind: Hashable, Sendable { case ordinary, global, atMostOnce }

    var name: String
    var kind = Kind.ordinary
    /// Only on machines with `disk=ssd`.
    var needsSSD = false
    /// No two of these may be on one machine.
    var conflictsWithin: String?
    /// `MachineOf=`
    var peer: String?
}

/// The units that have to live through a storm, about as many as a small shop has.
enum Workload {
    /// Machines whose fleet.conf says `disk=ssd`.
    static let ssd = ["m1", "m2", "m4"]
    /// Where a unit that fails finds its orders: a file of its name.
    static let bad = "/run/chaos-bad"

    static let units: [WorkUnit] =
        instances("plain", 22)
        + instances("heals", 4)
        + instances("apart", 4).map { unit in WorkUnit(name: unit.name, conflictsWithin: "apart") }
        + instances("ssd", 4).map { unit in WorkUnit(name: unit.name, needsSSD: true) }
        + (1...2).map { WorkUnit(name: "follow@\($0).service", peer: "plain@\($0).service") }
        + instances("lone", 4).map { unit in WorkUnit(name: unit.name, kind: .atMostOnce) }
        + [
            WorkUnit(name: "everywhere.service", kind: .global),
            WorkUnit(name: "everyssd.service", kind: .global, needsSSD: true),
        ]

    private static func instances(_ template: String, _ count: Int) -> [WorkUnit] {
        (1...count).map { WorkUnit(name: "\(template)@\($0).service") }
    }

    /// What systemctl takes for all of them.
    static let patterns = [
        "plain@*.service", "heals@*.service", "apart@*.service", "ssd@*.service", "follow@*.service",
        "lone@*.service", "everywhere.service", "everyssd.service",
    ]

    static func isOurs(_ unit: String) -> Bool {
        patterns.contains { pattern in
            guard let star = pattern.firstIndex(of: "*") else { return unit == pattern }
            return unit.hasPrefix(pattern[..<star])
        }
    }

    // MARK: Files

    static let folder = "/root/units"

    /// The files by name, the same on every machine.
    static let files: [String: String] = [
        "plain@.service": ordinary(),
        "heals@.service": ordinary(service: "Restart=always\nRestartSec=200ms"),
        "apart@.service": ordinary(fleet: "Conflicts=apart@*.service"),
        "ssd@.service": ordinary(fleet: "MachineMetadata=disk=ssd"),
        "follow@.service": ordinary(fleet: "MachineOf=plain@%i.service"),
        "everywhere.service": ordinary(fleet: "Global=true"),
        "everyssd.service": ordinary(fleet: "Global=true\nMachineMetadata=disk=ssd"),
        // Every other one does not go before it is killed.
        "lone@.service": service(
            Life.command(marks: marks("%i"), stubborn: "if (( %i %% 2 )); then trap \"\" TERM; fi;"),
            fleet: "AtMostOnce=yes"
        ),
    ]

    static func marks(_ instance: String) -> String { "/var/tmp/lone-\(instance).marks" }

    /// The instance of an `AtMostOnce=` unit.
    static func instance(_ unit: WorkUnit) -> String {
        String(unit.name.split(separator: "@").last?.split(separator: ".").first ?? "")
    }

    private static func ordinary(service lines: String = "", fleet: String = "") -> String {
        service(
            "/bin/sh -c 'test ! -e \(bad)/%n && exec sleep infinity; echo told to fail; exit 1'",
            lines,
            fleet: fleet
        )
    }

    private static func service(_ command: String, _ lines: String = "", fleet: String = "") -> String {
        let text = "[Unit]\nDescription=A unit in a storm\n[Service]\nExecStart=\(command)\n\(lines)\n"
        return fleet.isEmpty ? text : text + "[X-Fleet]\n\(fleet)\n"
    }
}
