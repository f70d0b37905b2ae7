import Foundation
import Lab
import Testing

extension SystemTests {
    /// docs/examples: whatever systemd runs, fleet runs. Every file is started as its first lines say.
    @Suite(
        .serialized,
        .machine(
            with: [
                "aardvark-dns", "busybox-static", "crun", "default-jre-headless", "netavark", "nftables", "podman",
                "qemu-system-x86", "socat", "systemd-container", "zip",
            ],
            configuration: "metadata = portable=hello,vm=old\n"
        )
    )
    struct ExampleTests {
        /// The text of an example. It is what a user would start, so that a test may not change it beyond its times.
        private static func text(_ name: String) throws -> String {
            let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
                .deletingLastPathComponent().appendingPathComponent("docs/examples")
            return try String(contentsOf: folder.appendingPathComponent(name), encoding: .utf8)
        }

        /// Writes examples to the machine and hands them to a command of fleetctl.
        private func ctl(_ command: String, _ names: String..., in fleet: Fleet) async throws {
            let paths = try await fleet.write(try names.map { ($0, try Self.text($0)) })
            try await fleet.ctl([command] + paths).checked()
        }

        private func expectAnswer(_ path: String, port: Int, says text: String, on fleet: Fleet) async throws {
            try await fleet.machine.eventually("port \(port) answers", within: Fleet.patience) {
                let fetch = "busybox wget -T 10 -qO- http://127.0.0.1:\(port)/\(path)"
                let answer = try await fleet.machine.shell(fetch)
                guard answer.contains(text) else { throw NotYet(answer) }
            }
        }

        private func expectJournal(of unit: String, says text: String, on fleet: Fleet) async throws {
            try await fleet.machine.eventually("the journal of \(unit) says \(text)", within: Fleet.patience) {
                let journal = try await fleet.ctl(["journal", "--lines", "200", unit]).checked().standardOutput
                guard journal.contains(text) else { throw NotYet(journal) }
            }
        }

        @Test func plainBinary() async throws {
            let fleet = try currentFleet()
            try await ctl("start", "binary.service", in: fleet)
            try await fleet.expect("binary.service", .running)
            try await expectAnswer("common-licenses/GPL-3", port: 8081, says: "GNU GENERAL PUBLIC LICENSE", on: fleet)
            try await fleet.destroy("binary.service")
        }

        @Test func container() async throws {
            let fleet = try currentFleet()
            try await fleet.machine.write(
                "[containers]\nkeyring=false\npids_limit=0\n",
                to: "/etc/containers/containers.conf"
            )
            try await fleet.machine.shell(
                "cd / && tar -chf /root/bb.tar bin/busybox && podman import -q /root/bb.tar localhost/busybox:1"
            )
            _ = try await fleet.write([("data.volume", try Self.text("data.volume"))])
            try await ctl("start", "web.container", in: fleet)
            try await fleet.expect("web.service", .running)
            let data = "/var/lib/containers/storage/volumes/systemd-data/_data"
            try await fleet.machine.shell("echo from the volume >\(data)/page")
            try await expectAnswer("page", port: 8082, says: "from the volume", on: fleet)
            try await fleet.ctl(["destroy", "web.container", "data.volume"]).checked()
        }

        /// Boots with the machine's own programs and a configuration of its own.
        @Test func wholeSystem() async throws {
            let fleet = try currentFleet()
            try await fleet.machine.shell(
                """
                root=/var/lib/machines/mail && mkdir -p $root/usr && mount --bind /usr $root/usr
                cp -a /etc $root/ && cd $root
                rm -r etc/systemd/system/*.wants/fleetd.* && ln -s usr/bin usr/sbin usr/lib usr/lib64 .
                mkdir proc sys dev run tmp var root
                """
            )
            try await ctl("submit", "machine@.service", in: fleet)
            try await fleet.ctl(["start", "machine@mail.service"]).checked()
            // Active means that the system inside said that it is ready.
            try await fleet.expect("machine@mail.service", .running)
            try await expectJournal(of: "machine@mail.service", says: "Reached target", on: fleet)
            try await fleet.ctl(["stop", "machine@mail.service"]).checked()
            try await fleet.expect("machine@mail.service", .dead)
            try await expectJournal(of: "machine@mail.service", says: "Deactivated successfully", on: fleet)
            try await fleet.ctl(["destroy", "machine@mail.service", "machine@.service"]).checked()
        }

        @Test func portableService() async throws {
            let fleet = try currentFleet()
            try await fleet.machine.shell(
                """
                root=/var/lib/portables/hello && mkdir -p $root/usr/bin $root/usr/lib $root/etc && cd $root
                mkdir proc sys dev run tmp var && touch etc/resolv.conf etc/machine-id
                cp /bin/busybox usr/bin/ && cp /etc/os-release usr/lib/
                printf '#!/usr/bin/busybox sh\\necho hello from the image\\n' >usr/bin/hello
                echo 'exec /usr/bin/busybox sleep infinity' >>usr/bin/hello
                chmod +x usr/bin/hello
                """
            )
            try await ctl("start", "portable.service", in: fleet)
            try await fleet.expect("portable.service", .running)
            try await expectJournal(of: "portable.service", says: "hello from the image", on: fleet)
            try await fleet.destroy("portable.service")
        }

        /// A jar whose program is the web server of the Java runtime.
        @Test func java() async throws {
            let fleet = try currentFleet()
            try await fleet.machine.shell(
                """
                mkdir -p /opt/app/META-INF && cd /opt/app && echo from java >page
                printf 'Manifest-Version: 1.0\\nMain-Class: %s\\n\\n' sun.net.httpserver.simpleserver.Main \\
                    >META-INF/MANIFEST.MF
                zip -q app.jar META-INF/MANIFEST.MF
                """
            )
            try await ctl("start", "java.service", in: fleet)
            try await fleet.expect("java.service", .running)
            try await expectAnswer("page", port: 8000, says: "from java", on: fleet)
            try await fleet.ctl(["stop", "java.service"]).checked()
            // 143 is how it ends; no failure.
            try await fleet.expect("java.service", .dead)
            try await fleet.destroy("java.service")
        }

        /// The guest is a boot sector that says one sentence on its console and sleeps.
        @Test func virtualMachine() async throws {
            let fleet = try currentFleet()
            // cli; xor ax,ax; mov ds,ax; mov si,7C16h; mov dx,3F8h;
            // again: lodsb; or al,al; jz end; out dx,al; jmp again; end: hlt; jmp end; then the sentence.
            let setUp = "\\372\\061\\300\\216\\330\\276\\026\\174\\272\\370\\003"
            let loop = "\\254\\010\\300\\164\\003\\356\\353\\370\\364\\353\\375"
            try await fleet.machine.shell(
                """
                mkdir -p /var/lib/vm && cd /var/lib/vm
                { printf '\(setUp)\(loop)hello from the guest\\r\\n\\000'; head -c 600 /dev/zero; } | head -c 510 >old.raw
                printf '\\125\\252' >>old.raw && head -c 1048064 /dev/zero >>old.raw
                """
            )
            // It does not know what a power button is.
            let text = try Self.text("vm@.service").replacingOccurrences(
                of: "TimeoutStopSec=60s",
                with: "TimeoutStopSec=1s"
            )
            let paths = try await fleet.write([("vm@.service", text)])
            try await fleet.ctl(["submit"] + paths).checked()
            try await fleet.ctl(["start", "vm@old.service"]).checked()
            try await fleet.expect("vm@old.service", .running)
            try await expectJournal(of: "vm@old.service", says: "hello from the guest", on: fleet)
            try await fleet.ctl(["destroy", "vm@old.service", "vm@.service"]).checked()
        }

        @Test func timer() async throws {
            let fleet = try currentFleet()
            try await ctl("load", "count-files.service", in: fleet)
            try await ctl("start", "count-files.timer", in: fleet)
            try await expectJournal(of: "count-files.service", says: "files in /tmp", on: fleet)
            try await fleet.destroy("count-files.timer", "count-files.service")
        }

        /// Nobody is there, somebody connects, everybody is there; when they have gone, nobody is.
        @Test func scaleToZero() async throws {
            let fleet = try currentFleet()
            try await ctl("load", "on-demand.service", "on-demand-proxy.service", in: fleet)
            try await ctl("start", "on-demand.socket", in: fleet)
            let processes = "systemctl show --property=MainPID --value on-demand.service on-demand-proxy.service"
            #expect(try await fleet.machine.shell(processes) == "0\n\n0\n")
            let parts: Set = ["on-demand.service", "on-demand-proxy.service"]
            #expect(try await fleet.machine.servicesWithProcesses().isDisjoint(with: parts))
            try await expectAnswer("common-licenses/GPL-3", port: 8083, says: "GNU GENERAL PUBLIC LICENSE", on: fleet)
            #expect(try await fleet.machine.servicesWithProcesses().isSuperset(of: parts))
            try await fleet.machine.eventually("both have gone", within: Fleet.patience) {
                let text = try await fleet.machine.shell(processes)
                guard text == "0\n\n0\n" else { throw NotYet(text) }
            }
            // Not even a process that systemd has lost sight of.
            #expect(try await fleet.machine.servicesWithProcesses().isDisjoint(with: parts))
            let groups = "find /sys/fs/cgroup -path '*on-demand*.service*' -name cgroup.procs -exec cat {} +"
            #expect(try await fleet.machine.shell(groups) == "")
            // Not a failure, and not the end: the next one is answered as well.
            try await fleet.expect("on-demand.socket", Fleet.State(active: "active", sub: "listening"))
            try await expectAnswer("common-licenses/GPL-3", port: 8083, says: "GNU GENERAL PUBLIC LICENSE", on: fleet)
            try await fleet.ctl(["destroy", "on-demand.socket", "on-demand-proxy.service", "on-demand.service"])
                .checked()
        }
    }
}
