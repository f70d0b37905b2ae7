import UnitFile

/// What systemd checks when it loads a unit and answers with "bad-setting": found here, before anything is stored,
/// instead of on some machine later. Only what systemd 252 and 257 both refuse is an error, and drop-ins on the
/// machine cannot be seen from here, so a file has to stand on its own.
struct LoadRules {
    let name: UnitName
    let file: ParsedUnitFile

    func check() throws(UnitFileError) {
        switch name.type {
        case .service: try checkService()
        case .socket: try checkSocket()
        case .timer: try checkTimer()
        case .path: try checkPath()
        case .mount: try checkMount()
        case .automount: try checkWhere()
        case .device, .swap, .target, .slice, .scope: return
        }
    }

    // MARK: systemd.service(5)

    private func checkService() throws(UnitFileError) {
        try checkCommandPaths()
        let start = file.values(section: "Service", key: "ExecStart").filter(isCommand)
        let stop = file.values(section: "Service", key: "ExecStop").filter(isCommand)
        // With SuccessAction= a service may have no command at all (systemd.service(5), "ExecStart=").
        let acts = !["none", nil].contains(file.lastValue(section: "Unit", key: "SuccessAction"))
        guard !start.isEmpty || !stop.isEmpty || acts else {
            throw refuse("ExecStart", "the service has neither ExecStart= nor ExecStop= in [Service]; add ExecStart=")
        }
        let type = effectiveType(hasStart: !start.isEmpty)
        guard let type else { return }
        guard !start.isEmpty || type == "oneshot" else {
            throw refuse(
                "Type",
                "a service of Type=\(type) needs ExecStart= in [Service]; only Type=oneshot can do without"
            )
        }
        let remains = isTrue(file.lastValue(section: "Service", key: "RemainAfterExit"))
        guard !start.isEmpty || acts || remains else {
            throw refuse("ExecStop", "a service without ExecStart= needs RemainAfterExit=yes; add it, or ExecStart=")
        }
        guard start.count < 2 || type == "oneshot" else {
            throw refuse(
                "ExecStart",
                "the service has \(start.count) ExecStart= lines, which only Type=oneshot may have; keep one, "
                    + "use ExecStartPre=, or put an empty ExecStart= before the one that counts"
            )
        }
        guard type != "dbus" || file.lastValue(section: "Service", key: "BusName") != nil else {
            throw refuse(
                "Type",
                "Type=dbus needs BusName= in [Service]; add the name that the service takes on the bus"
            )
        }
        let restart = file.lastValue(section: "Service", key: "Restart")
        guard type != "oneshot" || !["always", "on-success"].contains(restart) else {
            throw refuse(
                "Restart",
                "systemd allows no Restart=\(restart ?? "") for Type=oneshot; "
                    + "write Restart=on-failure, or another Type="
            )
        }
    }

    /// A command is an absolute path, or a bare name that is looked up; anything between is fatal unless `-` is before
    /// it.
    private func checkCommandPaths() throws(UnitFileError) {
        let keys = [
            "ExecCondition", "ExecStartPre", "ExecStart", "ExecStartPost", "ExecReload", "ExecStop", "ExecStopPost",
        ]
        for option in keys.flatMap({ file.options(section: "Service", key: $0) }) {
            let prefix = option.value.prefix { "@-:+!|".contains($0) }
            let word = option.value.dropFirst(prefix.count).prefix { !$0.isWhitespace }
            let isPlain = word.utf8.allSatisfy { !"%$\"'\\;".utf8.contains($0) }
            guard isPlain, !prefix.contains("-"), !word.hasPrefix("/"), word.contains("/") else { continue }
            throw file.error(
                at: option,
                "\(option.key)=\(String(word).printable(limit: 60)) is neither an absolute path nor the bare name of a "
                    + "command; write the whole path"
            )
        }
    }

    /// nil when the file leaves it open: a word that systemd of another version may know, or a specifier.
    private func effectiveType(hasStart: Bool) -> String? {
        guard let type = file.lastValue(section: "Service", key: "Type") else {
            if file.lastValue(section: "Service", key: "BusName") != nil { return "dbus" }
            return hasStart ? "simple" : "oneshot"
        }
        let known = ["simple", "exec", "forking", "oneshot", "dbus", "notify", "notify-reload", "idle"]
        return known.contains(type) ? type : nil
    }

    /// Whether systemd finds a command in an `Exec*=` value; one that it cannot read is dropped with a warning.
    private func isCommand(_ value: String) -> Bool {
        let command = value.drop { "@-:+!| \t".contains($0) }
        return !command.isEmpty && !command.hasPrefix(";")
    }

    // MARK: The other types

    private func checkSocket() throws(UnitFileError) {
        let listens = [
            "ListenStream", "ListenDatagram", "ListenSequentialPacket", "ListenFIFO", "ListenSpecial", "ListenNetlink",
            "ListenMessageQueue", "ListenUSBFunction",
        ]
        guard endsWithValue(section: "Socket", keys: listens) else {
            throw refuse("Accept", "the socket listens nowhere; add ListenStream= or another Listen option to [Socket]")
        }
        if isTrue(file.lastValue(section: "Socket", key: "Accept")),
            file.lastValue(section: "Socket", key: "Service") != nil
        {
            throw refuse(
                "Service",
                "systemd allows no Service= with Accept=yes, which starts instances of \(name.prefix)@.service; "
                    + "remove one"
            )
        }
    }

    private func checkTimer() throws(UnitFileError) {
        let spans = ["OnActiveSec", "OnBootSec", "OnStartupSec", "OnUnitActiveSec", "OnUnitInactiveSec", "OnCalendar"]
        let events = ["OnClockChange", "OnTimezoneChange"]
        let hasTime = endsWithValue(section: "Timer", keys: spans)
        guard hasTime || events.contains(where: { isTrue(file.lastValue(section: "Timer", key: $0)) }) else {
            throw refuse("Unit", "the timer never elapses; add OnCalendar= or another On...= option to [Timer]")
        }
    }

    private func checkPath() throws(UnitFileError) {
        let kinds = ["PathExists", "PathExistsGlob", "PathChanged", "PathModified", "DirectoryNotEmpty"]
        guard endsWithValue(section: "Path", keys: kinds) else {
            throw refuse("Unit", "the path unit watches nothing; add PathExists= or another Path...= option to [Path]")
        }
    }

    private func checkMount() throws(UnitFileError) {
        guard file.lastValue(section: "Mount", key: "What") != nil else {
            throw refuse("Where", "the mount unit does not say what to mount; add What= to [Mount]")
        }
        try checkWhere()
    }

    /// systemd refuses a mount or automount unit whose name is not its path, escaped.
    private func checkWhere() throws(UnitFileError) {
        guard let place = file.lastValue(section: name.type.section, key: "Where"), !place.contains("%") else { return }
        guard let escaped = try? UnitEscaping.escape(path: place), escaped != name.stem else { return }
        throw refuse(
            "Where",
            "Where=\(place.printable()) does not fit the unit's name; call the unit \(escaped.printable()).\(name.type)"
        )
    }

    /// Whether options that share one list in systemd leave a value in it: an empty value of any of them forgets the
    /// values of all.
    private func endsWithValue(section: String, keys: [String]) -> Bool {
        let all = file.sections.filter { $0.name == section }.flatMap(\.options).filter { keys.contains($0.key) }
        return all.last.map { !$0.value.isEmpty } ?? false
    }

    // MARK: Errors

    private func isTrue(_ value: String?) -> Bool {
        ["1", "yes", "y", "true", "t", "on"].contains(value?.lowercased())
    }

    /// An error at `key` of the type's section where the file has that, else at the section.
    private func refuse(_ key: String, _ message: String) -> UnitFileError {
        if let option = file.options(section: name.type.section, key: key).last {
            return file.error(at: option, message)
        }
        let section = file.sections.first { $0.name == name.type.section }
        return UnitFileError(path: file.path, line: section?.line ?? 0, column: section?.column ?? 0, message: message)
    }
}
