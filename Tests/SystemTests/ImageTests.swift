import Lab
import Testing

extension SystemTests {
    /// Images from a registry: pulled before anything is stopped, pinned, and with a login.
    @Suite(
        .serialized,
        .machine(
            with: ["aardvark-dns", "crun", "docker-registry", "netavark", "nftables", "podman", "skopeo"]
        )
    )
    struct ImageTests {
        private static func container(_ image: String, _ options: String = "", seconds: Int = 90) -> String {
            """
            [Container]
            Image=\(image)
            Exec=/bin/sh -c "/bin/cat /version; exec /bin/sleep infinity"
            StopTimeout=0

            [Service]
            TimeoutStartSec=\(seconds)

            [X-Fleet]
            \(options)

            """
        }

        /// In memory: what stands in a command line comes into the journal.
        private static let login = "/run/login.json"

        /// Two registries on the machine, the second one for those who log in.
        private func prepare(_ fleet: Fleet) async throws {
            try await fleet.machine.shell(
                """
                printf '[containers]\\nkeyring=false\\npids_limit=0\\n' >/etc/containers/containers.conf
                printf '[[registry]]\\nlocation="localhost:%s"\\ninsecure=true\\n' 5010 5011 \
                    >/etc/containers/registries.conf.d/local.conf
                echo 'fleet:$2b$05$YlvidDyt0mu.dpBztfMkWul6oiSJuUDW2fvpTgP7rrhSn/hiFw0iu' >/srv/htpasswd
                for port in 5010 5011; do
                    printf 'version: 0.1\\nlog: {level: error}\\nstorage: {filesystem: {rootdirectory: /srv/%s}}\\n' \
                        $port >/srv/$port.yml
                    printf 'http: {addr: "localhost:%s"}\\n' $port >>/srv/$port.yml
                done
                echo 'auth: {htpasswd: {realm: fleet, path: /srv/htpasswd}}' >>/srv/5011.yml
                for port in 5010 5011; do
                    systemctl is-active -q registry-$port || systemd-run -q -u registry-$port \
                        docker-registry serve /srv/$port.yml
                    until bash -c "echo >/dev/tcp/localhost/$port" 2>/dev/null; do sleep 0.05; done
                done
                """
            )
        }

        /// Makes an image of the machine's own shell that says `version`, and leaves it in the registry only.
        private func push(_ fleet: Fleet, _ image: String, _ version: String, login: Bool = false) async throws {
            try await fleet.machine.shell(
                """
                rm -rf /root/image && mkdir /root/image && echo '\(version)' >/root/image/version
                cd / && tar -chf /root/own.tar bin/sh bin/cat bin/sleep lib64/ld-linux-x86-64.so.2 \
                    lib/x86_64-linux-gnu/libc.so.6 && tar -rf /root/own.tar -C /root/image version
                podman import -q /root/own.tar \(image)
                podman push -q \(login ? "--authfile \(Self.login)" : "") \(image)
                podman rmi -f \(image)
                """
            )
        }

        private func says(_ fleet: Fleet, _ unit: String, _ version: String) async throws {
            try await fleet.machine.eventually("\(unit) says \(version)", within: Fleet.patience) {
                let text = try await fleet.machine.shell("podman exec systemd-\(unit) /bin/cat /version || true")
                guard text == version + "\n" else { throw NotYet(text) }
            }
        }

        @Test func aPullTakesNoTimeFromTheStart() async throws {
            let fleet = try currentFleet()
            try await prepare(fleet)
            try await push(fleet, "localhost:5010/slow:1", "one")
            try await fleet.machine.shell("systemctl kill -s STOP registry-5010")
            let paths = try await fleet.write([
                ("slow.container", Self.container("localhost:5010/slow:1", seconds: 1))
            ])
            try await fleet.ctl(["start", "--no-block", paths[0]]).checked()
            // podman's first words are told five seconds after it was started.
            try await fleet.machine.eventually("it is being pulled", within: Fleet.patience) {
                let status = try await fleet.ctl(["status", "slow"]).standardOutput
                guard status.contains("localhost:5010/slow:1 is being pulled since"), status.contains("Trying to pull")
                else { throw NotYet(status) }
            }
            let list = try await fleet.ctl(["list-units", "--no-legend", "--fields", "unit,sub"]).checked()
            #expect(list.standardOutput.contains("pulling"), "\(list)")
            try await fleet.machine.shell("systemctl kill -s CONT registry-5010")
            try await fleet.expect("slow.service", .running)
            try await says(fleet, "slow", "one")
            let why = try await fleet.ctl(["why", "slow.container"]).checked()
            #expect(why.standardOutput.contains("pulled localhost:5010/slow:1 in "), "\(why)")
            // What is there is not asked for again.
            try await fleet.machine.shell("systemctl stop registry-5010")
            try await fleet.ctl(["restart", "slow.container"]).checked()
            try await fleet.expect("slow.service", .running)
            try await fleet.destroy("slow.service")
        }

        @Test func whatRunsGoesOnUntilTheNewImageIsThere() async throws {
            let fleet = try currentFleet()
            try await prepare(fleet)
            try await push(fleet, "localhost:5010/web:1", "one")
            let paths = try await fleet.write([("web.container", Self.container("localhost:5010/web:1"))])
            try await fleet.ctl(["start", paths[0]]).checked()
            try await fleet.expect("web.service", .running)
            let process = try await fleet.mainProcess(of: "web.service")
            try await fleet.machine.write(Self.container("localhost:5010/web:2"), to: paths[0])
            try await fleet.ctl(["start", "--replace", "--no-block", paths[0]]).checked()
            try await fleet.machine.eventually("the pull has failed", within: Fleet.patience) {
                let status = try await fleet.ctl(["status", "web.container"]).standardOutput
                guard status.contains("the image localhost:5010/web:2 cannot be pulled: "),
                    status.contains("to be tried again")
                else { throw NotYet(status) }
            }
            #expect(try await fleet.mainProcess(of: "web.service") == process)
            try await push(fleet, "localhost:5010/web:2", "two")
            try await says(fleet, "web", "two")
            try await fleet.destroy("web.service")
        }

        @Test func aFirstRunWithoutItsImageFailsWithItsReason() async throws {
            let fleet = try currentFleet()
            try await prepare(fleet)
            let paths = try await fleet.write([
                ("gone.container", Self.container("localhost:5010/gone:1", "Reschedule=never"))
            ])
            let start = try await fleet.ctl(["start", paths[0]])
            #expect(start.status == 1, "\(start)")
            #expect(start.standardError.contains("the image localhost:5010/gone:1 cannot be pulled: "), "\(start)")
            try await fleet.destroy("gone.service")
        }

        @Test func aPinnedImageStaysWhatItWas() async throws {
            let fleet = try currentFleet()
            try await prepare(fleet)
            try await push(fleet, "localhost:5010/app:1", "one")
            let paths = try await fleet.write([
                ("app.container", Self.container("localhost:5010/app:1", "PinImage=yes\nPullPolicy=always"))
            ])
            try await fleet.ctl(["start", paths[0]]).checked()
            try await fleet.expect("app.service", .running)
            try await push(fleet, "localhost:5010/app:1", "two")
            try await fleet.ctl(["restart", "app.container"]).checked()
            try await fleet.expect("app.service", .running)
            try await says(fleet, "app", "one")
            try await fleet.ctl(["start", "--replace", paths[0]]).checked()
            try await says(fleet, "app", "two")
            let mistake = try await fleet.write([
                ("none.container", Self.container("localhost:5010/none:1", "PinImage=yes"))
            ])
            let refusal = try await fleet.ctl(["submit", mistake[0]])
            #expect(
                refusal.standardError.contains("the digest of localhost:5010/none:1 cannot be looked up"),
                "\(refusal)"
            )
            #expect(refusal.status == 1)
            try await fleet.destroy("app.service")
        }

        @Test func aRegistryWithALogin() async throws {
            let fleet = try currentFleet()
            try await prepare(fleet)
            try await fleet.machine.shell(
                """
                printf '{"auths":{"localhost:5011":{"auth":"%s"}}}' "$(printf fleet:hunter2 | base64)" >\(Self.login)
                """
            )
            try await push(fleet, "localhost:5011/private:1", "one", login: true)
            let text = Self.container("localhost:5011/private:1", "RegistryAuth=registry\nPinImage=yes")
            let paths = try await fleet.write([("private.container", text)])
            let early = try await fleet.ctl(["submit", paths[0]])
            #expect(early.standardError.contains("there is no secret registry in the registry"), "\(early)")
            try await fleet.machine.shell("fleetctl secret set registry \(Self.login)")
            try await fleet.ctl(["start", paths[0]]).checked()
            try await fleet.expect("private.service", .running)
            try await says(fleet, "private", "one")
            // The word itself, and the login as podman writes it.
            for secret in ["hunter2", "fleet:hunter2"] { try await Canary(secret).expectNowhere(on: fleet) }
            try await fleet.destroy("private.service")
            try await fleet.ctl(["secret", "remove", "registry"]).checked()
            try await fleet.machine.shell("rm \(Self.login)")
        }
    }
}
