import Lab
import Testing

extension SystemTests {
    /// Two machines with one key, and the registry in etcd.
    @Suite(.serialized, .machines(2, etcd: 1, configuration: "verbosity = 2\n"))
    struct SharedSecretTests {
        private static let canary = "canary-1193-quux"

        /// Gives a machine these lines as its keys.
        private func use(_ fleet: Fleet, keys: [String]) async throws {
            try await fleet.machine.write(keys.joined(), to: "/etc/fleet/secret.keys", mode: "600")
            try await fleet.machine.shell("systemctl reload fleetd")
        }

        /// Sets a secret, as soon as the machines have said which keys they have.
        private func set(_ fleet: Fleet, _ name: String, _ content: String) async throws {
            try await fleet.machine.write(content, to: "/run/incoming")
            try await fleet.machine.eventually("\(name) is set", within: Fleet.patience) {
                let answer = try await fleet.machine.run(["sh", "-c", "fleetctl secret set \(name) - </run/incoming"])
                guard answer.succeeded else { throw NotYet("\(answer)") }
            }
            try await fleet.machine.shell("rm /run/incoming")
        }

        /// Waits until a command of `fleetctl secret` is refused because of another machine, by its name and id.
        private func expectRefusal(_ asked: Fleet, _ command: String, says text: String, of other: Fleet) async throws {
            let named = "\(try other.machineID().prefix(8)) (\(other.machine.name)) \(text)"
            try await asked.machine.eventually("\(command) is refused: \(text)", within: Fleet.patience) {
                let refusal = try await asked.ctl(["secret"] + command.split(separator: " ").map(String.init))
                guard refusal.status == 1, refusal.standardError.contains(named) else { throw NotYet("\(refusal)") }
            }
        }

        @Test func aSecretCrossesTheFleetSealed() async throws {
            let machines = try currentMachines()
            let (first, second) = (machines.all[0], machines.all[1])
            for fleet in machines.all { try await use(fleet, keys: []) }
            // Without a key there is nothing to seal it under.
            let early = try await first.machine.run(["sh", "-c", "echo x | fleetctl secret set db -"])
            #expect(early.standardError.contains("secret key new"), "\(early)")
            let key = try await first.machine.shell("fleetctl secret key new")
            for fleet in machines.all { try await use(fleet, keys: [key]) }
            try await set(first, "db", Self.canary)
            let text = UnitText.service(
                "/bin/sh -c 'wc -c <${CREDENTIALS_DIRECTORY}/db >/run/has; sleep infinity'",
                fleet: "Secret=db\nMachineID=\(try second.machine.id())\n"
            )
            try await first.start("web.service", text)
            #expect(try await second.machine.shell("cat /run/credentials/web.service/db") == Self.canary)
            for fleet in machines.all { try await SecretTests.expectNowhere(fleet, Self.canary) }

            // systemd starts it again while the registry is away.
            try await machines.etcd.stop(first.machine)
            try await second.machine.shell("rm /run/has; systemctl restart web.service")
            #expect(try await second.machine.shell("cat /run/credentials/web.service/db") == Self.canary)
            #expect(try await second.machine.shell("cat /run/has") == "16\n")
            let kept = try await second.machine.shell(
                "grep -rlaF \(Self.canary) /var/lib/fleet /var/lib/etcd /run/fleet || true"
            )
            #expect(kept == "")
            try await machines.etcd.resume(first.machine)
            try await machines.expectWritable("web.service")
            try await first.destroy("web.service")
            try await first.ctl(["secret", "remove", "db"]).checked()
        }

        /// A unit on each machine, and the key changed under them as docs/secrets.md says.
        @Test func theKeyIsChangedUnderUnitsThatRun() async throws {
            let machines = try currentMachines()
            let (first, second) = (machines.all[0], machines.all[1])
            let old = try await first.machine.shell("fleetctl secret key new")
            let new = try await first.machine.shell("fleetctl secret key new")
            for fleet in machines.all { try await use(fleet, keys: [old]) }
            try await set(first, "turned", Self.canary)
            let units = try machines.all.map { fleet in
                let text = UnitText.service(
                    "/bin/sleep infinity",
                    fleet: "Secret=turned\nMachineID=\(try fleet.machineID())"
                )
                return (name: "turned-\(fleet.machine.name).service", text: text)
            }
            try await first.ctl(["start"] + first.write(units)).checked()
            let before = try await machines.processes("turned-*.service")
            #expect(before.values.allSatisfy { $0.count == 1 }, "\(before)")

            // One machine has the new key first, the other has never heard of it.
            try await use(first, keys: [new, old])
            try await expectRefusal(first, "rotate", says: "would not be able to open", of: second)
            try await expectRefusal(first, "set turned /etc/hostname", says: "would not be able to open", of: second)
            try await use(second, keys: [old, new])
            try await expectRefusal(first, "rotate", says: "would go on sealing under another key", of: second)
            try await use(second, keys: [new, old])
            _ = try await first.machine.eventually("rotated", within: Fleet.patience) {
                try await first.ctl(["secret", "rotate"]).checked()
            }
            let ids = [old, new].map { String($0.prefix { $0 != ":" }) }
            let export = try await first.machine.shell("fleetctl registry export")
            #expect(export.contains(ids[1]) && !export.contains(ids[0]), "something is sealed under the old key")

            for fleet in machines.all { try await use(fleet, keys: [new]) }
            #expect(try await machines.processes("turned-*.service") == before, "units have noticed")
            for (fleet, unit) in zip(machines.all, units) {
                try await fleet.machine.shell("systemctl restart \(unit.name)")
                #expect(try await fleet.machine.shell("cat /run/credentials/\(unit.name)/turned") == Self.canary)
            }
            try await machines.destroy(units.map(\.name), "turned-*.service")
            try await first.ctl(["secret", "remove", "turned"]).checked()
        }
    }
}
