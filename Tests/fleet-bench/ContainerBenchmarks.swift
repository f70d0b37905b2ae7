import Lab

/// The figures of containers: three machines with podman, and plain Quadlet units beside fleet's on the same machines.
struct ContainerBenchmarks {
    let machines: [Machine]

    private var front: Machine { machines[0] }
    private var back: Machine { machines[1] }

    static let packages = ["aardvark-dns", "busybox-static", "crun", "netavark", "nftables", "podman"]
    private static let count = 60

    /// busybox, which says when it begins by a file of its own.
    private static func container(_ options: String = "", file: String = "%N", more: String = "") -> String {
        """
        [Unit]
        StartLimitIntervalSec=0

        [Container]
        Image=localhost/busybox:1
        Volume=/run/bench:/bench
        Exec=/busybox sh -c "/busybox touch /bench/\(file); exec /busybox sleep 100000"
        Network=none
        StopTimeout=0
        \(more)

        [X-Fleet]
        \(options)

        """
    }

    static func boot(in lab: Lab) async throws -> ContainerBenchmarks {
        let machines = try await lab.boot(["bench1", "bench2", "bench3"], with: packages)
        let etcd = Etcd(members: machines)
        try await etcd.start()
        try await concurrently(machines) { machine in
            try await machine.write(etcd.settings, to: "/etc/fleet/fleet.conf")
            try await machine.install(DebPackage.built())
            try await machine.write(container(), to: "/etc/containers/systemd/reference@.container")
            try await machine.shell(
                """
                mkdir -p /run/bench
                printf '[containers]\\nkeyring=false\\npids_limit=0\\n' >/etc/containers/containers.conf
                mkdir -p /root/image/bin && cp /usr/bin/busybox /root/image/ && ln -s /busybox /root/image/bin/sh
                tar -cf /root/busybox.tar -C /root/image busybox bin && podman import -q /root/busybox.tar localhost/busybox:1
                systemctl daemon-reload
                """
            )
        }
        let benchmarks = ContainerBenchmarks(machines: machines)
        _ = try await benchmarks.front.eventually("three machines", within: .seconds(60)) {
            let list = try await benchmarks.bash(benchmarks.front, "fleetctl list-machines --no-legend")
            guard list.count == machines.count else { throw NotYet("\(list)") }
        }
        return benchmarks
    }

    /// Runs lines of bash and returns what they printed, line by line.
    private func bash(_ machine: Machine, _ script: String) async throws -> [String] {
        try await machine.write(script, to: "/root/measure")
        return try await machine.run(["bash", "/root/measure"], limit: .seconds(600)).checked().lines.map(String.init)
    }

    // MARK: Figures

    /// One container from the request to its process, with the request and the container on one machine.
    func createToRunning(rounds: Int = 10) async throws -> [Figure] {
        try await front.write(Self.container("MachineID=\(try front.id())"), to: "/root/one.container")
        _ = try await bash(front, "cd /; fleetctl submit /root/one.container; fleetctl load one.container 2>&1")
        let loop = { (start: String, stop: String, name: String) in
            """
            cd /; for i in $(seq \(rounds)); do
                rm -f /run/bench/\(name); begin=$EPOCHREALTIME
                \(start) >/dev/null 2>&1
                for try in $(seq 1000); do [ -e /run/bench/\(name) ] && break; sleep 0.01; done
                echo $begin $(stat -c %.6Y /run/bench/\(name))
                \(stop) >/dev/null 2>&1
            done
            """
        }
        let ours = try await bash(front, loop("fleetctl start one.container", "fleetctl stop one.container", "one"))
        let reference = try await bash(
            front,
            loop("systemctl start reference@1", "systemctl stop reference@1", "reference@1")
        )
        _ = try await bash(front, "cd /; fleetctl destroy one.container")
        let (mine, plain) = (samples(ours), samples(reference))
        let ratio = mine.median / plain.median
        return [
            Figure(
                name: "one container, request to its process",
                measured: mine.text,
                reference: "`systemctl start` of the same Quadlet unit \(plain.text)",
                bar: "1.3 x (is \(decimal(ratio)) x)",
                isMet: ratio <= 1.3
            )
        ]
    }

    private func samples(_ lines: [String]) -> Samples {
        let pairs = lines.map { $0.split(separator: " ").compactMap { Double($0) } }.filter { $0.count == 2 }
        return Samples(pairs.dropFirst(2).map { ($0[1] - $0[0]) * 1_000_000 })
    }

    /// 60 containers over three machines, beside 20 of systemctl's on each at the same time; in turns.
    func many(rounds: Int = 5) async throws -> [Figure] {
        try await front.write(Self.container(), to: "/root/many@.container")
        _ = try await bash(front, "cd /; fleetctl submit /root/many@.container")
        let clock = ContinuousClock()
        var (ours, reference): ([Double], [Double]) = ([], [])
        for _ in 1...rounds {
            let fleet = try await clock.measure {
                _ = try await bash(front, "cd /; fleetctl start many@{1..\(Self.count)}.container >/dev/null 2>&1")
            }
            ours.append(fleet / .microseconds(1))
            try await expectRunning("many@*")
            _ = try await bash(front, "cd /; fleetctl destroy many@{1..\(Self.count)}.container >/dev/null")
            let plain = try await clock.measure {
                try await concurrently(machines) { machine in
                    _ = try await bash(machine, "systemctl start reference@{1..\(Self.count / machines.count)}")
                }
            }
            reference.append(plain / .microseconds(1))
            try await expectRunning("reference@*")
            try await concurrently(machines) { _ = try await bash($0, "systemctl stop 'reference@*'") }
        }
        let share = Samples(reference).median / Samples(ours).median
        return [
            Figure(
                name: "\(Self.count) containers on three machines, until all run",
                measured: Samples(ours).text,
                reference: "`systemctl start` of \(Self.count / machines.count) on each at the same time "
                    + Samples(reference).text,
                bar: "90 % of the rate (is \(Int(share * 100)) %)",
                isMet: share >= 0.9
            )
        ]
    }

    /// A figure for containers that do not run would be a good one.
    private func expectRunning(_ pattern: String) async throws {
        let list = "systemctl list-units --no-legend --state=running '\(pattern)' | wc -l"
        let counts = try await concurrently(machines) { Int(try await bash($0, list).first ?? "") ?? 0 }
        guard counts.reduce(0, +) == Self.count else { throw NotYet("\(counts) of \(Self.count) containers run") }
    }

    /// podman kills a container whose check fails; from its death to its successor on another machine.
    func killedByItsCheck(rounds: Int = 5) async throws -> [Figure] {
        let check = """
            HealthCmd=/busybox test ! -e /bench/sick
            HealthInterval=2s
            HealthRetries=1
            HealthOnFailure=kill
            """
        try await front.write(Self.container(file: "sick-began", more: check), to: "/root/sick.container")
        var times: [Double] = []
        for _ in 1...rounds {
            try await concurrently(machines) { _ = try await bash($0, "rm -f /run/bench/s*") }
            _ = try await bash(front, "cd /; fleetctl start /root/sick.container 2>&1")
            let place = try await front.eventually("its machine", within: .seconds(30)) {
                for machine in machines {
                    let state = try await bash(machine, "systemctl is-active sick.service || true")
                    if state.first == "active" { return machine }
                }
                throw NotYet("it runs nowhere")
            }
            _ = try await bash(place, "touch /run/bench/sick")
            let began = try await front.eventually("it runs elsewhere", within: .seconds(60)) {
                for machine in machines where machine.name != place.name {
                    let time = try await bash(machine, "stat -c %.6Y /run/bench/sick-began 2>/dev/null || true")
                    if let time = time.first.flatMap(Double.init) { return time }
                }
                throw NotYet("not yet")
            }
            let deaths = try await bash(
                place,
                "journalctl -q -u sick.service -o short-unix --no-pager | grep 'Main process exited' | cut -d ' ' -f 1"
            )
            guard let died = deaths.compactMap(Double.init).last else { throw NotYet("no death in \(deaths)") }
            times.append((began - died) * 1_000_000)
            _ = try await bash(front, "cd /; fleetctl destroy sick.container 2>&1")
        }
        let samples = Samples(times)
        return [
            Figure(
                name: "container killed by its health check, from its death to running elsewhere",
                measured: samples.text,
                reference: "the check: every 2 s, one failure",
                bar: "1 s",
                isMet: samples.quantile(0.9) < 1_000_000
            )
        ]
    }

    /// All that is ours on a machine with fifty containers.
    func memory(_ containers: Int = 50) async throws -> [Figure] {
        try await front.write(Self.container("MachineID=\(try back.id())"), to: "/root/full@.container")
        _ = try await bash(
            front,
            "cd /; fleetctl submit /root/full@.container; "
                + "fleetctl start full@{1..\(containers)}.container >/dev/null 2>&1"
        )
        let lines = try await bash(
            back,
            """
            sleep 5
            pid=$(systemctl show -P MainPID fleetd)
            awk '/VmRSS/{print $2}' /proc/$pid/status
            awk '/RssAnon/{print $2}' /proc/$pid/status
            systemctl list-units --no-legend --state=running 'full@*' | wc -l
            pgrep -c conmon
            for p in $(pgrep conmon); do awk '/RssAnon/{print $2}' /proc/$p/status; done | awk '{s+=$1} END{print s}'
            """
        ).compactMap { Double($0) }
        guard lines.count == 5 else { throw NotYet("\(lines)") }
        return [
            Figure(
                name: "RSS of fleetd, which is all that is ours, on a machine with \(Int(lines[2])) containers",
                measured: "\(decimal(lines[0] / 1024)) MB, its own \(decimal(lines[1] / 1024)) MB",
                reference: "\(Int(lines[3])) conmon of podman's, their own \(decimal(lines[4] / 1024)) MB",
                bar: "-"
            )
        ]
    }
}
