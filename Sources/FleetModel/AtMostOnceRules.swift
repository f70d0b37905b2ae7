import UnitFile

/// What an `AtMostOnce=` unit may not say, because it has to be gone from its machine in time (`FenceTiming`).
struct AtMostOnceRules {
    let type: UnitType
    let file: ParsedUnitFile

    /// Throws for what leaves processes behind when the unit is stopped (systemd.kill(5)).
    func check() throws(UnitFileError) {
        if let option = file.options(section: type.section, key: "SendSIGKILL").last,
            ["no", "n", "false", "f", "off", "0"].contains(option.value.lowercased())
        {
            throw file.error(
                at: option,
                "SendSIGKILL=no cannot be used with AtMostOnce=yes: systemd has to end the unit in time; remove one"
            )
        }
        if let option = file.options(section: type.section, key: "FinalKillSignal").last,
            !["", "SIGKILL", "KILL", "9"].contains(option.value)
        {
            throw file.error(
                at: option,
                "FinalKillSignal=\(option.value.printable(limit: 20)) cannot be used with AtMostOnce=yes: "
                    + "only SIGKILL ends the unit in time; remove it"
            )
        }
        if let option = file.options(section: type.section, key: "KillMode").last,
            ["process", "none"].contains(option.value)
        {
            throw file.error(
                at: option,
                "KillMode=\(option.value) cannot be used with AtMostOnce=yes: it leaves processes behind; "
                    + "use control-group or mixed"
            )
        }
    }

    /// A time to stop that the unit will not get everywhere.
    var warnings: [UnitFileError] {
        let standard = FenceTiming(lease: Limits.standardLease)
        guard let option = file.options(section: type.section, key: "TimeoutStopSec").last,
            let span = TimeSpan.parse(option.value)
        else { return [] }
        if case .finite(let wanted) = span, wanted <= standard.stop { return [] }
        return [
            file.error(
                at: option,
                "AtMostOnce= leaves the unit 3/10 of the machine's agent_ttl to stop, \(standard.stop.components.seconds)s "
                    + "unless it is set: TimeoutStopSec=\(option.value.printable(limit: 20)) is cut to that"
            )
        ]
    }
}
