import Lab

/// Docker Swarm on three machines of the same kind, doing what fleet does with containers: figures to stand beside
/// fleet's, from machines that run one after the other, because both would share the host's processors.
struct SwarmBenchmarks {
    let machines: [Machine]

    private var front: Machine { machines[0] }

    static let packages = ["busybox-static", "docker-cli", "docker.io", "iptables"]
    private static let count = 60

    /// Docker's storage is on a file system of its own, as podman's is in the lab: the machine's root takes no overlay.
    static func boot(in lab: Lab) async throws -> SwarmBenchmarks {
        let machines = try await lab.boot(["swarm1", "swarm2", "swarm3"], with: packages)
        try await concurrently(machines) { machine in
            try await machine.shell(
                """
                mkdir -p /run/bench
                systemctl stop docker.socket docker.service
                mount -t tmpfs tmpfs /var/lib/docker
                systemctl start docker.service
                cd /usr/bin && tar -cf /root/busybox.tar busybox && docker import /root/busybox.tar busybox:1
                """
            )
        }
        let first = machines[0]
        try await first.shell("docker swarm init --advertise-addr \(first.address)")
        let token = try await first.shell("docker swarm join-token -q worker").split(separator: "\n").first ?? ""
        for machine in machines.dropFirst() {
            try await machine.shell("docker swarm join --token \(token) \(first.address):2377")
        }
        return SwarmBenchmarks(machines: machines)
    }

    /// Runs lines of bash and returns what they printed, line by line.
    private func bash(_ machine: Machine, _ script: String) async throws -> [String] {
        try await machine.write(script, to: "/root/measure")
        return try await machine.run(["bash", "/root/measure"], limit: .seconds(300)).checked().lines.map(String.init)
    }

    private static let service =
        "docker service create --quiet --detach --no-resolve-image --stop-grace-period 0s "
        + "--mount type=bind,source=/run/bench,target=/bench"

    /// One container on the machine that is asked.
    func createToRunning(rounds: Int = 7) async throws -> [Figure] {
        let lines = try await bash(
            front,
            """
            for i in $(seq \(rounds)); do
                rm -f /run/bench/one; begin=$EPOCHREALTIME
                \(Self.service) --name one --constraint node.hostname==$(hostname) busybox:1 \\
                    /busybox sh -c '/busybox touch /bench/one; exec /busybox sleep 100000' >/dev/null
                for try in $(seq 1000); do [ -e /run/bench/one ] && break; sleep 0.01; done
                echo $begin $(stat -c %.6Y /run/bench/one)
                docker service rm one >/dev/null
                for try in $(seq 1000); do [ -z "$(docker ps -q)" ] && break; sleep 0.05; done
            done
            """
        )
        let pairs = lines.map { $0.split(separator: " ").compactMap { Double($0) } }.filter { $0.count == 2 }
        let samples = Samples(pairs.dropFirst(2).map { ($0[1] - $0[0]) * 1_000_000 })
        return [
            Figure(
                name: "Docker Swarm: one container, request to its process",
                measured: samples.text,
                reference: "-",
                bar: "-"
            )
        ]
    }

    /// 60 containers over three machines, and what Docker takes of memory for a third of them.
    func many() async throws -> [Figure] {
        let lines = try await bash(
            front,
            """
            begin=$EPOCHREALTIME
            \(Self.service) --name many --replicas \(Self.count) busybox:1 \\
                /busybox sh -c 'exec /busybox sleep 100000' >/dev/null
            for try in $(seq 2000); do
                [ "$(docker service ls --format '{{.Replicas}}')" = \(Self.count)/\(Self.count) ] && break
                sleep 0.05
            done
            echo $begin $EPOCHREALTIME
            """
        )
        let times = lines.first.map { $0.split(separator: " ").compactMap { Double($0) } } ?? []
        guard times.count == 2 else { throw NotYet("\(lines)") }
        let memory = try await concurrently(machines) { machine in
            try await bash(
                machine,
                """
                for p in $(pgrep -x dockerd) $(pgrep -x containerd); do awk '/VmRSS/{print $2}' /proc/$p/status; done \\
                    | awk '{s+=$1} END{print s}'
                for p in $(pgrep -f containerd-shim); do awk '/RssAnon/{print $2}' /proc/$p/status; done \\
                    | awk '{s+=$1} END{print s}'
                docker ps -q | wc -l
                """
            ).compactMap { Double($0) }
        }
        guard let most = memory.filter({ $0.count == 3 }).max(by: { $0[2] < $1[2] }) else { throw NotYet("\(memory)") }
        return [
            Figure(
                name: "Docker Swarm: \(Self.count) containers on three machines, until all run",
                measured: "\(decimal((times[1] - times[0]) * 1000)) ms",
                reference: "-",
                bar: "-"
            ),
            Figure(
                name: "Docker Swarm: RSS of dockerd and containerd on a machine with \(Int(most[2])) containers",
                measured: "\(decimal(most[0] / 1024)) MB",
                reference: "the containers' shims, their own \(decimal(most[1] / 1024)) MB",
                bar: "-"
            ),
        ]
    }
}
