import Lab
import Testing

/// `RestartOnChange=reload`: new contents come to what runs.
extension Fleet {
    /// Sets the secret `db`, without its text in a command line.
    fileprivate func setDB(_ text: String) async throws -> CommandResult {
        try await machine.write(text, to: "/run/incoming")
        let command = "fleetctl secret set db - </run/incoming && rm /run/incoming"
        return try await machine.run(["sh", "-c", command]).checked()
    }

    /// `unit` shows in the file at `path` what it has read, at its start and at each reload.
    fileprivate func expectReload(_ unit: String, shownAt path: String) async throws {
        let process = try await mainProcess(of: unit)
        func shows(_ text: String) async throws {
            try await machine.eventually("\(unit) has \(text)", within: Fleet.patience) {
                let seen = try await machine.shell("cat \(path) || true")
                guard seen == text else { throw NotYet(seen) }
            }
        }
        try await shows("the first, which is the longest\n")
        let place = "/run/credentials/\(unit)"
        let owners = "stat -c '%n %U %A %i' \(place)/*; findmnt -no OPTIONS \(place)"
        let before = try await machine.shell(owners)
        #expect(before.contains("\(place)/db") && before.contains("\nro,"))
        for text in ["the second\n", "and a third one\n"] {
            let answer = try await setDB(text)
            #expect(answer.standardOutput.contains("Reloads \(unit)\n"), "\(answer)")
            try await shows(text)
        }
        try await expectWhy(unit, says: "reloaded, with its configs and secrets as they are now")
        #expect(try await expectWhy(unit, says: "(RestartOnChange=reload)").contains("secret db was set anew"))
        #expect(try await mainProcess(of: unit) == process && process > 0)
        try await expect(unit, .running)
        #expect(try await machine.shell(owners) == before)
        let left = ["systemctl", "list-units", "--all", "--plain", "--no-legend", "fleet-reload-*"]
        #expect(try await machine.run(left).checked().lines.isEmpty)
    }

    func expectReloadOfAService() async throws {
        let unit = UnitText.service(
            """
            /bin/sh -c 'trap "cat $CREDENTIALS_DIRECTORY/db >/run/soft/db" HUP; \
            cat $CREDENTIALS_DIRECTORY/db >/run/soft/db; while :; do sleep 0.1; done'
            """,
            service: "User=daemon\nPrivateTmp=yes\nRuntimeDirectory=soft\nExecReload=/bin/kill -HUP $MAINPID",
            fleet: "Secret=db\nConfig=app.conf\nRestartOnChange=reload"
        )
        let mute = unit.split(separator: "ExecReload=/bin/kill -HUP $MAINPID\n").joined(separator: "\n")
        let paths = try await write([("soft.service", mute)])
        try await machine.shell("echo a=b >/root/app.conf; fleetctl config set app.conf /root/app.conf")
        _ = try await setDB("the first, which is the longest\n")
        let refusal = try await ctl(["start"] + paths)
        #expect(refusal.status == 1 && refusal.standardError.contains("soft.service:"), "\(refusal)")
        #expect(refusal.standardError.contains("write ExecReload= in [Service], or restart here"), "\(refusal)")
        try await start("soft.service", unit)
        try await expectReload("soft.service", shownAt: "/run/soft/db")

        // One that is not taken is told, and nothing else comes of it.
        let stubborn = unit.split(separator: "/bin/kill -HUP").joined(separator: "/bin/false")
        try await machine.write(stubborn, to: paths[0])
        try await ctl(["start", "--replace"] + paths).checked()
        let process = try await mainProcess(of: "soft.service")
        _ = try await setDB("the last\n")
        try await expectWhy("soft.service", says: "could not be reloaded, and goes on as it is")
        #expect(try await mainProcess(of: "soft.service") == process)
        try await destroy("soft.service")
        try await ctl(["secret", "remove", "db"]).checked()
        try await ctl(["config", "remove", "app.conf"]).checked()
    }

    /// In a container, also where one file is mounted by itself. The image has a shell and `cat`.
    func expectReloadOfAContainer(image: String) async throws {
        let show = "/bin/cat /etc/db >/shown/db"
        let unit = """
            [Container]
            Image=\(image)
            Volume=/run/shown:/shown
            Secret=db,target=/etc/db
            Exec=/bin/sh -c "trap '\(show)' HUP; \(show); while :; do /bin/sleep 0.1; done"
            StopTimeout=0

            [Service]
            ExecReload=/usr/bin/podman kill --signal HUP systemd-soft

            [X-Fleet]
            Config=app.conf
            RestartOnChange=reload

            """
        let paths = try await write([("soft.container", unit)])
        try await machine.shell("mkdir -p /run/shown; echo a=b >/root/app.conf")
        try await ctl(["config", "set", "app.conf", "/root/app.conf"]).checked()
        _ = try await setDB("the first, which is the longest\n")
        try await ctl(["start"] + paths).checked()
        try await expectReload("soft.service", shownAt: "/run/shown/db")
        #expect(try await machine.shell("podman exec systemd-soft /bin/cat /run/secrets/db") == "and a third one\n")
        try await destroy("soft.service")
        try await ctl(["secret", "remove", "db"]).checked()
        try await ctl(["config", "remove", "app.conf"]).checked()
    }
}

extension SystemTests.SecretTests {
    @Test func aRunningServiceIsReloaded() async throws { try await currentFleet().expectReloadOfAService() }
}

extension SystemTests.SecretsOnOldSystemdTests {
    @Test func aRunningServiceIsReloaded() async throws { try await currentFleet().expectReloadOfAService() }
}

extension SystemTests.QuadletTests {
    @Test func aRunningContainerIsReloaded() async throws {
        let fleet = try currentFleet()
        try await makeImage(fleet)
        try await fleet.expectReloadOfAContainer(image: "localhost/own:1")
    }
}
