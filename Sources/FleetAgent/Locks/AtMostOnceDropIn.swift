import FleetModel
package import UnitFile

/// What fleet adds to an `AtMostOnce=` unit on its machine: systemd starts it only while it is allowed, stops it when
/// the fence comes down, and takes no longer for that than `FenceTiming.stop`.
package enum AtMostOnceDropIn {
    /// The service that the units conflict with; see `Fence`.
    package static let fence = "fleet-fence-stop.service"

    /// The text of the drop-in (systemd.unit(5)) for `unit` with the unit file `text`. `allowed` is the file that is
    /// there while the unit may run.
    package static func text(for unit: UnitName, file text: String, allowed: String, stop: Duration) -> String {
        var lines = [
            "# Written by fleetd, because this unit has AtMostOnce=yes.",
            "[Unit]",
            "ConditionPathExists=\(allowed)",
            "Conflicts=\(fence)",
            "Before=\(fence)",
        ]
        if let key = stopKey(of: unit.type) {
            let file = try? ParsedUnitFile.parse(text)
            let longest = stop / phases(of: file, unit.type)
            let own = file?.options(section: unit.type.section, key: key).last.flatMap { TimeSpan.parse($0.value) }
            var stop = longest
            if case .finite(let wanted)? = own, wanted > .zero { stop = min(wanted, longest) }
            let milliseconds = max(stop.milliseconds, 1)
            lines += ["[\(unit.type.section)]", "\(key)=\(milliseconds)ms"]
            if unit.type == .service { lines.append("TimeoutAbortSec=\(milliseconds)ms") }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// systemd gives each phase of a stop the whole time (systemd.service(5), `TimeoutStopSec=`): `ExecStop=`, then
    /// `SIGTERM`; after the main process `ExecStopPost=`, then `SIGTERM` again for what that has left. With
    /// `TimeoutStopFailureMode=abort`, each `SIGTERM` without effect is followed by `SIGABRT` and as much time again.
    private static func phases(of file: ParsedUnitFile?, _ type: UnitType) -> Int {
        guard type == .service, let file else { return 1 }
        func has(_ key: String) -> Bool { file.options(section: type.section, key: key).contains { !$0.value.isEmpty } }
        let mode = file.options(section: type.section, key: "TimeoutStopFailureMode").last?.value
        let signals = mode == "abort" ? 2 : 1
        return signals + (has("ExecStop") ? 1 : 0) + (has("ExecStopPost") ? 1 + signals : 0)
    }

    private static func stopKey(of type: UnitType) -> String? {
        switch type {
        case .service: "TimeoutStopSec"
        case .socket, .mount, .swap: "TimeoutSec"
        case .automount, .path, .timer, .target, .device, .slice, .scope: nil
        }
    }
}
