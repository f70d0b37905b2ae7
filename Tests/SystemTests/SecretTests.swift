import Lab
import Testing

extension SystemTests {
    /// Configs and secrets on a real machine: the service has them, and nothing else has the secret, not even a fleetd
    /// that tells of every request and operation.
    @Suite(.serialized, .machine(configuration: "verbosity = 2\n")) struct SecretTests {
        private static let canary = "canary-8471-xyzzy"
        private static let second = "canary-9502-plugh"

        /// Shows by its length that it has the secret, without printing it.
        private static func unit(_ options: String) -> String {
            UnitText.service(
                "/bin/sh -c 'wc -c <${CREDENTIALS_DIRECTORY}/db >/run/has-%p; sleep infinity'",
                fleet: "Secret=db-password:db\n" + options
            )
        }

        private func set(_ fleet: Fleet, _ content: String) async throws {
            try await fleet.machine.write(content, to: "/run/incoming")
            try await fleet.machine.shell("fleetctl secret set db-password - </run/incoming && rm /run/incoming")
        }

        /// Neither in what is kept nor in what is said.
        static func expectNowhere(_ fleet: Fleet, _ text: String) async throws {
            try await Canary(text).expectNowhere(on: fleet)
            let says = """
                fleetctl secret list; fleetctl secret list --json; fleetctl status web.service; fleetctl cat web.service; \
                fleetctl why web.service; fleetctl events -n 1000 --json; fleetctl list-units
                """
            #expect(try await !fleet.machine.shell(says).contains(text))
        }

        /// What finds nothing shows something only if it would find it.
        @Test func theSearchFindsWhatIsThere() async throws {
            let fleet = try currentFleet()
            let canary = Canary("canary-2718-frobozz")
            try await canary.expectNowhere(on: fleet)
            try await fleet.machine.shell(
                """
                echo 'before \(canary.text) after' >/var/lib/fleet/planted
                for before in '' x xy; do
                    printf '%s%s after' "$before" \(canary.text) | base64 -w 0 >/var/tmp/planted-$before
                done
                echo '\(canary.text)' | systemd-cat --priority=debug
                """
            )
            let planted =
                ["/run/search/journal", "/var/lib/fleet/planted"]
                + ["", "x", "xy"].map { "/var/tmp/planted-\($0)" }
            try await fleet.machine.eventually("all of it is found", within: Fleet.patience) {
                let places = try await canary.places(on: fleet)
                guard Set(places).isSuperset(of: planted) else { throw NotYet("\(places)") }
            }
            try await fleet.machine.shell("rm /var/lib/fleet/planted /var/tmp/planted-*")
        }

        @Test func aSecretIsWhereItBelongsAndNowhereElse() async throws {
            let fleet = try currentFleet()
            let early = try await fleet.write([("web.service", Self.unit("RestartOnChange=restart"))])
            let refusal = try await fleet.ctl(["start"] + early)
            #expect(refusal.standardError.contains("fleetctl secret set db-password FILE"), "\(refusal)")

            try await set(fleet, Self.canary)
            try await fleet.ctl(["start"] + early).checked()
            try await fleet.start("plain.service", Self.unit(""))
            try await fleet.machine.eventually("both have it", within: Fleet.patience) {
                let text = try await fleet.machine.shell("cat /run/has-web /run/has-plain || true")
                guard text == "17\n17\n" else { throw NotYet(text) }
            }
            let process = try await fleet.mainProcess(of: "web.service")
            #expect(
                try await fleet.machine.shell("cat /run/credentials/web.service/db") == Self.canary
            )
            let talk = try await fleet.machine.shell("journalctl --unit=fleetd.service --output=cat")
            #expect(talk.contains("web.service has got the secret db-password"), "fleetd says little")
            try await Self.expectNowhere(fleet, Self.canary)

            try await set(fleet, Self.second)
            try await fleet.machine.eventually("restarted with the new one", within: Fleet.patience) {
                let text = try await fleet.machine.shell("cat /run/credentials/web.service/db || true")
                guard text == Self.second else { throw NotYet("\(text.count) bytes") }
            }
            try await fleet.expect("web.service", .running)
            #expect(try await fleet.mainProcess(of: "web.service") != process)
            #expect(try await fleet.machine.shell("cat /run/credentials/plain.service/db") == Self.canary)
            for text in [Self.canary, Self.second] { try await Self.expectNowhere(fleet, text) }

            let bound = try await fleet.ctl(["secret", "remove", "db-password"])
            #expect(bound.standardError.contains("asked for by plain.service, web.service"), "\(bound)")
            try await fleet.destroy("web.service", "plain.service")
            try await fleet.ctl(["secret", "remove", "db-password"]).checked()
            #expect(try await !fleet.machine.shell("fleetctl registry export").contains("blobs/"))
        }

        @Test func aStartWaitsForFleetd() async throws {
            let fleet = try currentFleet()
            try await fleet.machine.shell("echo a=b >/root/app.conf; fleetctl config set app.conf /root/app.conf")
            let text = UnitText.service(
                "/bin/sh -c 'cp ${CREDENTIALS_DIRECTORY}/app.conf /run/got-config; sleep infinity'",
                fleet: "Config=app.conf"
            )
            try await fleet.start("wait.service", text)
            // fleetd is frozen while systemd starts the unit, and killed before it goes on.
            try await fleet.machine.shell(
                """
                pid=$(systemctl show -P MainPID fleetd)
                kill -STOP $pid; rm /run/got-config
                systemctl restart --no-block wait.service
                until [ "$(systemctl show -P ActiveState wait.service)" = activating ]; do sleep 0.1; done
                kill -KILL $pid
                """
            )
            try await fleet.machine.eventually("it has its config", within: Fleet.patience) {
                let text = try await fleet.machine.shell("cat /run/got-config || true")
                guard text == "a=b\n" else { throw NotYet(text) }
            }
            try await fleet.expect("wait.service", .running)
            // What its assignment does not name, a unit does not get, and does not start without.
            try await fleet.machine.shell(
                """
                printf '[Service]\\nExecStart=/bin/sleep 1000\\nLoadCredential=app.conf:/run/fleet/credentials.sock\\n' \
                    >/run/systemd/system/foreign.service
                systemctl start --no-block foreign.service
                until [ "$(systemctl show -P ActiveState foreign.service)" = failed ]; do sleep 0.1; done
                """
            )
            #expect(try await fleet.property("ExecMainStatus", of: "foreign.service") == "243")
            try await fleet.machine.shell("rm /run/systemd/system/foreign.service")
            try await fleet.machine.run(["systemctl", "reset-failed", "foreign.service"]).checked()
            try await fleet.destroy("wait.service")
            try await fleet.ctl(["config", "remove", "app.conf"]).checked()
        }

        @Test func rotation() async throws {
            let fleet = try currentFleet()
            try await set(fleet, Self.canary)
            let before = try await fleet.ctl(["secret", "list", "--no-legend", "--fields", "key"]).checked()
            try await fleet.machine.shell(
                """
                umask 077
                (fleetctl secret key new; cat /var/lib/fleet/secret.keys) >/root/keys
                mv /root/keys /etc/fleet/secret.keys
                systemctl reload fleetd
                """
            )
            try await fleet.machine.eventually("rotated", within: Fleet.patience) {
                let answer = try await fleet.ctl(["secret", "rotate"])
                guard answer.succeeded else { throw NotYet("\(answer)") }
            }
            let after = try await fleet.ctl(["secret", "list", "--no-legend", "--fields", "key"]).checked()
            #expect(before.standardOutput != after.standardOutput)
            let export = try await fleet.machine.shell("fleetctl registry export")
            #expect(!export.contains(before.standardOutput.split(separator: "\n")[0]))
            #expect(export.split(separator: "\n").filter { $0.contains(#""blobs/"#) }.count == 1)
            try await fleet.start("web.service", Self.unit(""))
            #expect(try await fleet.machine.shell("cat /run/credentials/web.service/db") == Self.canary)
            try await fleet.destroy("web.service")
            try await fleet.ctl(["secret", "remove", "db-password"]).checked()
        }
    }

    /// The same with the oldest systemd that is supported.
    @Suite(.serialized, .machine(.bookworm, configuration: "verbosity = 2\n"))
    struct SecretsOnOldSystemdTests {
        @Test func aSecretIsWhereItBelongsAndNowhereElse() async throws {
            try await SecretTests().aSecretIsWhereItBelongsAndNowhereElse()
        }
    }
}
