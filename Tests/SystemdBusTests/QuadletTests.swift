import FleetAgent
import FleetModel
import Foundation
import Testing
import UnitFile

@testable import SystemdBus

/// What is pure of how services are made from Quadlet files.
struct QuadletPureTests {
    private static func name(_ text: String) throws -> QuadletName { try QuadletName(text) }

    @Test("A stamp says what a service was made from, and any other text has none")
    func stamp() throws {
        let (web, network) = (try Self.name("web.container"), try Self.name("app.network"))
        let (file, other) = (ContentHash(of: "a"), ContentHash(of: "b"))
        let stamp = QuadletStamp(
            file: file,
            bundle: QuadletBundle(source: web, companions: [network: other]),
            services: [network: try UnitName("lan.service")]
        )
        let text = stamp.over("# with care\n[Service]\n")
        #expect(text.hasPrefix("# Made by fleet from web.container \(file)\n# with app.network \(other) lan.service\n"))
        #expect(QuadletStamp(of: text) == nil, "a comment of its own that looks like ours makes it no stamp")
        let plain = stamp.over("[Service]\n")
        #expect(QuadletStamp(of: plain) == stamp)
        #expect(QuadletStamp.removed(from: plain) == "[Service]\n")
        #expect(QuadletStamp(of: "[Service]\n") == nil)
        #expect(QuadletStamp(of: "# Made by fleet from nowhere\n") == nil)
        #expect(QuadletStamp.removed(from: "[Service]\n") == "[Service]\n")
    }

    @Test("A companion is the same while its file is, and those files that both units have")
    func sameCompanion() throws {
        let (pod, net, own) = (try Self.name("p.pod"), try Self.name("n.network"), try Self.name("o.volume"))
        func stamp(_ files: [QuadletName: String], pod service: String = "p-pod.service") throws -> QuadletStamp {
            var services: [QuadletName: UnitName] = [:]
            for name in files.keys { services[name] = name == pod ? try UnitName(service) : name.standardService }
            let bundle = QuadletBundle(
                source: try Self.name("web.container"),
                companions: files.mapValues { ContentHash(of: $0) }
            )
            return QuadletStamp(file: ContentHash(of: "web"), bundle: bundle, services: services)
        }
        let old = try stamp([pod: "a", net: "b"])
        #expect(old.makes(pod, like: try stamp([pod: "a", net: "b", own: "c"])))
        #expect(!old.makes(pod, like: try stamp([pod: "new", net: "b"])))
        // The network's service may have another name now, which stands in the pod's.
        #expect(!old.makes(pod, like: try stamp([pod: "a", net: "new"])))
        #expect(!old.makes(pod, like: try stamp([pod: "a", net: "b"], pod: "other.service")))
        #expect(!old.makes(own, like: try stamp([pod: "a", net: "b", own: "c"])))
    }

    @Test("What the generator complains of is told by file")
    func complaint() throws {
        let output = """
            quadlet-generator[7]: Loading source unit file /x/in/bad.container
            quadlet-generator[7]: converting "bad.container": unsupported key 'Memory' in group 'Container' in /x/in/bad.container
            converting "web.container": requested Quadlet unit no.network was not found
            """
        #expect(
            QuadletProgram.complaint(about: try Self.name("bad.container"), in: output)
                == "podman does not accept bad.container: unsupported key 'Memory' in group 'Container'"
        )
        #expect(
            QuadletProgram.complaint(about: try Self.name("web.container"), in: output)
                == "podman does not accept web.container: requested Quadlet unit no.network was not found"
        )
        let flood = String(repeating: "x", count: 5000)
        #expect(QuadletProgram.complaint(about: try Self.name("other.pod"), in: flood).count < 600)
    }

    @Test("Units with other texts for one name are made apart")
    func groups() throws {
        func request(_ name: String, _ network: String) throws -> QuadletRequest {
            let bundle = QuadletBundle(
                source: try Self.name(name),
                companions: [try Self.name("app.network"): ContentHash(of: network)]
            )
            let texts = [ContentHash(of: name): name, ContentHash(of: network): network]
            return try #require(QuadletRequest(file: ContentHash(of: name), bundle: bundle, texts))
        }
        let units = try ["a", "b", "c"].map { try UnitName("\($0).service") }
        let groups = QuadletRuns.groups([
            units[0]: try request("a.container", "1"), units[1]: try request("b.container", "2"),
            units[2]: try request("c.container", "1"),
        ])
        #expect(groups == [[units[0], units[2]], [units[1]]])
    }

    @Test("A program that does not end is killed, and one that talks too much is cut")
    func child() {
        func run(_ script: String, _ patience: Duration = .seconds(10)) -> ChildProcess.Outcome {
            ChildProcess.run(["/bin/sh", "-c", script], environment: [:], within: patience, bytes: 4)
        }
        #expect(run("echo abcdefgh >&2; exit 3") == .ended(status: 3, "abcd"))
        #expect(run("kill -9 $$") == .ended(status: -1, ""))
        #expect(run("exec sleep 100", .milliseconds(50)) == .tooLate)
        let missing = ChildProcess.run(["/nowhere"], environment: [:], within: .seconds(1), bytes: 4)
        #expect(missing == .impossible("/nowhere: No such file or directory"))
    }
}

extension RealSystemd {
    private static let web = "[Container]\nImage=localhost/bb:1\nNetwork=app.network\nVolume=data.volume:/data\n"

    private func install(
        _ unit: String,
        _ source: String,
        _ text: String,
        beside: [String: String] = [:],
        in rig: Rig
    ) async throws -> OperationResult {
        var bundle = QuadletBundle(source: try QuadletName(source))
        var texts = [ContentHash(of: text): text]
        for (name, text) in beside {
            bundle.companions[try QuadletName(name)] = ContentHash(of: text)
            texts[ContentHash(of: text)] = text
        }
        let name = try UnitName(unit)
        let installation = UnitInstallation(unit: name, file: ContentHash(of: text), quadlet: bundle)
        return try #require(try await rig.perform(.install([installation]), texts: texts)[name])
    }

    @Test("Quadlet files become services without a reload", .enabled(if: TestMachine.hasQuadlet))
    func quadlet() async throws {
        try await Rig.with { rig in
            let unit = try UnitName("web.service")
            let beside = ["app.network": "[Network]\n[Install]\nWantedBy=basic.target\n", "data.volume": "[Volume]\n"]
            let before = await rig.bus.reloadCount
            #expect(try await install("web.service", "web.container", Self.web, beside: beside, in: rig) == .done)
            let seen = try #require(rig.now.units[unit])
            #expect(seen.loadState == "loaded")
            #expect(seen.file == ContentHash(of: Self.web))
            #expect(seen.quadlet?.companions.keys.sorted().map(\.description) == ["app.network", "data.volume"])
            let requires = try await rig.machine.run("systemctl show -P Requires web.service")
            #expect(requires.contains("app-network.service") && requires.contains("data-volume.service"), "\(requires)")
            let states = try await rig.machine.run(
                "systemctl show -P LoadState app-network.service data-volume.service"
            )
            #expect(states == "loaded\n\nloaded\n", "\(states)")
            #expect(!rig.machine.exists("/run/systemd/system/basic.target.wants/app-network.service"))
            #expect(rig.now.units[try UnitName("app-network.service")] == nil)
            #expect(await rig.bus.reloadCount == before)

            // Another user keeps what both need; the last one takes it away.
            let other = "[Container]\nImage=localhost/bb:1\nNetwork=app.network\n"
            let network = ["app.network": try #require(beside["app.network"])]
            #expect(try await install("two.service", "two.container", other, beside: network, in: rig) == .done)
            try await rig.clean(unit)
            #expect(rig.machine.exists("/run/systemd/system/app-network.service"))
            #expect(!rig.machine.exists("/run/systemd/system/data-volume.service"))
            // Asked for by itself it is ours, and goes on beside the other afterwards.
            let own = try UnitName("app-network.service")
            let text = try #require(network["app.network"])
            #expect(try await install(own.description, "app.network", text, in: rig) == .done)
            #expect(rig.now.units[own]?.file == ContentHash(of: text))
            #expect(try await rig.perform(.remove(own)) == .done)
            #expect(rig.machine.exists("/run/systemd/system/app-network.service"))
            try await rig.clean(try UnitName("two.service"))
            #expect(!rig.machine.exists("/run/systemd/system/app-network.service"))
            let left = try await rig.machine.run("ls -A /run/fleet/companions /run/fleet/quadlet")
            #expect(left == "/run/fleet/companions:\n\n/run/fleet/quadlet:\n", "\(left)")
        }
    }

    @Test("What podman does not accept is the unit's failure in podman's words", .enabled(if: TestMachine.hasQuadlet))
    func badQuadlet() async throws {
        try await Rig.with { rig in
            let bad = "[Container]\nImage=localhost/bb:1\nWobble=1\n"
            let result = try await install("bad.service", "bad.container", bad, in: rig)
            #expect(result.kind == .badUnit)
            #expect(
                result.message == "podman does not accept bad.container: unsupported key 'Wobble' in group 'Container'"
            )
            #expect(!rig.machine.exists("/run/systemd/system/bad.service"))
            let lonely = "[Container]\nImage=localhost/bb:1\nNetwork=no.network\n"
            let missing = try await install("bad.service", "bad.container", lonely, in: rig)
            #expect(missing.message.hasPrefix("podman does not accept bad.container: requested Quadlet"))
        }
    }

    @Test("A pod does not want the containers that were installed with it", .enabled(if: TestMachine.hasQuadlet))
    func pod() async throws {
        try await Rig.with { rig in
            let text = "[Container]\nImage=localhost/bb:1\nPod=p.pod\n"
            #expect(
                try await install("in.service", "in.container", text, beside: ["p.pod": "[Pod]\n"], in: rig) == .done
            )
            let wants = try await rig.machine.run("systemctl show -P Wants p-pod.service")
            #expect(!wants.contains("in.service"), "\(wants)")
            let binds = try await rig.machine.run("systemctl show -P BindsTo in.service")
            #expect(binds == "p-pod.service\n")
            try await rig.clean(try UnitName("in.service"))
        }
    }

    /// Waits in its start until it is stopped: whoever has no image has a user all the same.
    private static let waiting = """
        [Container]
        Image=localhost/bb:1
        Network=app.network
        [Service]
        Type=oneshot
        ExecStartPre=/bin/sleep 1000
        TimeoutStartSec=infinity
        [Quadlet]
        DefaultDependencies=false

        """

    /// The machine has no network that could come up, which would be waited for.
    private static let alone = "[Network]\n[Quadlet]\nDefaultDependencies=false\n"

    @Test("A network that others use is taken away without a stop", .enabled(if: TestMachine.hasQuadlet))
    func companionInUse() async throws {
        try await Rig.with { rig in
            let (web, network) = (try UnitName("web.service"), try UnitName("app-network.service"))
            let beside = ["app.network": Self.alone]
            #expect(try await install("web.service", "web.container", Self.waiting, beside: beside, in: rig) == .done)
            #expect(try await install("app-network.service", "app.network", Self.alone, in: rig) == .done)
            #expect(try await rig.perform(.start(network)) == .done)
            try await rig.wait(network) { $0.activeState == "active" && !$0.isInUse }
            try await rig.machine.run("systemctl start --no-block web.service")
            try await rig.wait(web) { $0.activeState == "activating" }
            try await rig.wait(network) { $0.isInUse }
            // fleetd starts again, and reads the network first.
            try await Rig.with { other in
                #expect(other.now.units[network]?.isInUse == true)
            }
            #expect(try await rig.perform(.remove(network)) == .done)
            let states = try await rig.machine.run("systemctl show -P ActiveState app-network.service web.service")
            #expect(states == "active\n\nactivating\n", "\(states)")
            #expect(rig.now.units[network] == nil)
            try await rig.clean(web)
            let end = try await rig.machine.run("systemctl show -P ActiveState app-network.service")
            #expect(end == "inactive\n", "\(end)")
        }
    }

    @Test("Another text that podman makes of the same file stops nobody", .enabled(if: TestMachine.hasQuadlet))
    func newerPodman() async throws {
        try await Rig.with { rig in
            let (web, two) = (try UnitName("web.service"), try UnitName("two.service"))
            let beside = ["app.network": Self.alone]
            #expect(try await install("web.service", "web.container", Self.waiting, beside: beside, in: rig) == .done)
            // As another generator would have written it.
            let file = "/run/fleet/companions/app-network.service"
            try await rig.machine.run("echo '# older' >>\(file)")
            try await rig.machine.run("systemctl start --no-block web.service")
            try await rig.wait(web) { $0.activeState == "activating" }
            #expect(try await install("two.service", "two.container", Self.waiting, beside: beside, in: rig) == .done)
            #expect(try await rig.machine.run("systemctl show -P ActiveState web.service") == "activating\n")
            #expect(try await rig.machine.run("tail -n 1 \(file)") == "# older\n")
            // Another file is another text, and one reload tells systemd of it.
            let before = await rig.bus.reloadCount
            let new = ["app.network": Self.alone + "[Network]\nInternal=true\n"]
            _ = try await rig.perform(.stop(web)) as OperationResult
            #expect(try await install("web.service", "web.container", Self.waiting, beside: new, in: rig) == .done)
            #expect(try await rig.machine.run("grep -c internal \(file)") == "1\n")
            #expect(await rig.bus.reloadCount <= before + 1)
            try await rig.clean(web, two)
        }
    }

    @Test("A network that podman does not make is named, with podman's words", .enabled(if: TestMachine.hasQuadlet))
    func badCompanion() async throws {
        try await Rig.with { rig in
            let beside = ["app.network": Self.alone + "[Network]\nSubnet=10.0.0.0/8\nIPRange=192.168.0.0/24\n"]
            #expect(try await install("web.service", "web.container", Self.waiting, beside: beside, in: rig) == .done)
            let web = try UnitName("web.service")
            let result: OperationResult = try await rig.perform(.start(web))
            #expect(result.kind == .job(result: "dependency"))
            let words = "app.network, which web.service needs, did not start (app-network.service): "
            #expect(result.message.hasPrefix(words), "\(result.message)")
            try await rig.clean(web)
        }
    }
}
