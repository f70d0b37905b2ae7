import Lab

/// The figures that need a booted machine: fleet beside plain systemd, in turns, on the same machine.
struct MachineBenchmarks {
    let machine: Machine

    /// One unit's process, which writes down when it began.
    private static let service = """
        [Service]
        ExecStart=/bin/bash -c 'echo $EPOCHREALTIME >/run/bench/%n; exec sleep infinity'
        """
    private static let template = "[Service]\nExecStart=/bin/sleep infinity\n"

    /// Lines of numbers that a script printed.
    private func numbers(_ script: String) async throws -> [[Double]] {
        // Bash, for its clock and its braces.
        try await machine.write(script, to: "/root/measure")
        let result = try await machine.run(["bash", "/root/measure"], limit: .seconds(900)).checked()
        return result.standardOutput.split(separator: "\n").map { line in
            line.split(separator: " ").compactMap { Double($0) }
        }
    }

    /// The folder that measured processes write to.
    func prepare() async throws { try await machine.shell("mkdir -p /run/bench") }

    /// `fleetctl version` and its like cost this much before they do anything.
    func startUp() async throws -> [Figure] {
        let rows = try await numbers(
            """
            for i in $(seq 100); do
                a=${EPOCHREALTIME/./}; fleetctl version >/dev/null
                b=${EPOCHREALTIME/./}; systemctl --version >/dev/null
                c=${EPOCHREALTIME/./}; echo $((b - a)) $((c - b))
            done
            """
        )
        let ours = Samples(rows.map { $0[0] })
        let reference = Samples(rows.map { $0[1] })
        return [
            Figure(
                name: "`fleetctl version`, start to end",
                measured: ours.text,
                reference: "`systemctl --version` \(reference.text)",
                bar: "10 ms",
                isMet: ours.median <= 10_000
            )
        ]
    }

    /// From the request to the process running: one submitted unit that is stopped, against the same unit of systemd's.
    func startLatency() async throws -> [Figure] {
        try await machine.write(Self.service, to: "/root/ours.service")
        try await machine.write(Self.service, to: "/etc/systemd/system/reference.service")
        let rows = try await numbers(
            """
            systemctl daemon-reload
            fleetctl submit /root/ours.service >/dev/null 2>&1
            cd /
            measure() { # NAME COMMAND...
                local name=$1 before; shift
                rm -f /run/bench/$name.service
                before=${EPOCHREALTIME/./}
                "$@" >/dev/null 2>&1
                after=${EPOCHREALTIME/./}
                until [ -s /run/bench/$name.service ]; do :; done
                read began </run/bench/$name.service
                printf '%s %s ' $((${began/./} - before)) $((after - before))
            }
            for i in $(seq 60); do
                measure ours fleetctl start ours.service
                measure reference systemctl start reference.service
                echo
                fleetctl stop ours.service >/dev/null 2>&1; systemctl stop reference.service
            done
            fleetctl destroy ours.service >/dev/null 2>&1
            """
        )
        // The first rounds load code from the disk.
        let warm = rows.dropFirst(5)
        let ours = Samples(warm.map { $0[0] })
        let reference = Samples(warm.map { $0[2] })
        let whole = Samples(warm.map { $0[1] })
        let wholeReference = Samples(warm.map { $0[3] })
        let ratio = ours.median / reference.median
        return [
            Figure(
                name: "`fleetctl start` of a submitted unit, request to process running",
                measured: ours.text,
                reference: "`systemctl start` \(reference.text)",
                bar: "2 x (is \(decimal(ratio)) x)",
                isMet: ratio <= 2
            ),
            Figure(
                name: "the same, until the command returns",
                measured: whole.text,
                reference: "`systemctl start` \(wholeReference.text)",
                bar: "-",
                isMet: nil
            ),
        ]
    }

    /// 300 instances at once, five rounds in turns.
    func instances() async throws -> [Figure] {
        try await machine.write(Self.template, to: "/root/ours@.service")
        try await machine.write(Self.template, to: "/etc/systemd/system/reference@.service")
        let rows = try await numbers(
            """
            systemctl daemon-reload
            cd /
            fleetctl submit /root/ours@.service >/dev/null 2>&1
            for round in 1 2 3 4 5; do
                a=${EPOCHREALTIME/./}; fleetctl start ours@{1..300}.service >/dev/null 2>&1
                b=${EPOCHREALTIME/./}
                n=$(systemctl list-units --no-legend --state=running 'ours@*' | wc -l)
                fleetctl destroy ours@{1..300}.service >/dev/null 2>&1
                c=${EPOCHREALTIME/./}; systemctl start reference@{1..300}.service
                d=${EPOCHREALTIME/./}
                systemctl stop reference@{1..300}.service
                echo $((b - a)) $((d - c)) $n
            done
            """
        )
        let ours = Samples(rows.map { $0[0] })
        let reference = Samples(rows.map { $0[1] })
        let all = rows.allSatisfy { $0[2] == 300 }
        let share = reference.median / ours.median
        return [
            Figure(
                name: "300 new instances of a template, until all run",
                measured: "\(ours.text), \(decimal(300_000_000 / ours.median))/s",
                reference: "one `systemctl start` \(reference.text), \(decimal(300_000_000 / reference.median))/s",
                bar: "80 % of the rate (is \(Int(share * 100)) %)",
                isMet: share >= 0.8 && all
            )
        ]
    }

    /// Resident memory of fleetd at rest with `count` units that run: five seconds after the last of them was started.
    func memory(_ count: Int, limit: Double) async throws -> Figure {
        let rows = try await numbers(
            """
            cd /
            fleetctl submit /root/ours@.service >/dev/null 2>&1
            fleetctl start ours@{1..\(count)}.service >/dev/null 2>&1
            sleep 5
            pid=$(systemctl show -P MainPID fleetd)
            echo $(awk '/VmRSS/{print $2}' /proc/$pid/status) $(awk '/^Pss:/{print $2}' /proc/$pid/smaps_rollup) \
                $(systemctl list-units --no-legend --state=running 'ours@*' | wc -l)
            """
        )
        let row = rows.first ?? []
        guard row.count == 3, Int(row[2]) >= count else {
            return Figure(name: "RSS, \(count) units", measured: "\(row)", reference: "", bar: "", isMet: false)
        }
        return Figure(
            name: "RSS of fleetd at rest with \(count) running units",
            measured: "\(decimal(row[0] / 1024)) MB",
            reference: "PSS \(decimal(row[1] / 1024)) MB",
            bar: "\(decimal(limit)) MB",
            isMet: row[0] / 1024 <= limit
        )
    }

    /// A minute of nothing to do, with whatever units there are.
    func idle(seconds: Int = 60) async throws -> [Figure] {
        let rows = try await numbers(
            """
            pid=$(systemctl show -P MainPID fleetd)
            look() {
                cpu=$(awk '/^usage_usec/{print $2}' /sys/fs/cgroup/system.slice/fleetd.service/cpu.stat)
                written=$(awk '/^write_bytes/{print $2}' /proc/$pid/io)
                changed=$(stat -c %Y /var/lib/fleet/registry.db* | sort -n | tail -n 1)
                # Threads come and go: what one that is gone has done is not known.
                wakes=$(for task in /proc/$pid/task/*; do
                    echo ${task##*/} $(awk '/^voluntary/{print $2}' $task/status)
                done)
                echo $cpu $written $changed
            }
            look; before=$wakes; sleep \(seconds); look
            { echo "$before"; echo "$wakes"; } | awk '{sum += ($1 in seen) ? $2 - seen[$1] : 0; seen[$1] = $2}
                END {print sum + 0}'
            """
        )
        guard rows.count == 3, rows[0].count == 3, rows[1].count == 3, let wakes = rows[2].first else {
            return [Figure(name: "idle", measured: "\(rows)", reference: "", bar: "", isMet: false)]
        }
        let change = zip(rows[1], rows[0]).map { $0 - $1 }
        let share = change[0] / Double(seconds * 1_000_000) * 100
        return [
            Figure(
                name: "CPU while idle for \(seconds) s",
                measured: "\(decimal(change[0] / 1000)) ms, \(decimal(share)) %",
                reference: "-",
                bar: "0.1 %",
                isMet: share < 0.1
            ),
            Figure(
                name: "registry writes in that time",
                measured: change[2] == 0 ? "none" : "the file changed",
                reference: "\(Int(change[1])) bytes written by the process",
                bar: "none",
                isMet: change[2] == 0 && change[1] == 0
            ),
            Figure(
                name: "wake-ups in that time",
                measured: "\(Int(wakes))",
                reference: "watchdog every 15 s: \(seconds / 15)",
                bar: "the watchdog's",
                // A sign of life passes through the timer's thread, a worker and the registry's actor.
                isMet: Int(wakes) <= seconds / 15 * 4
            ),
        ]
    }
}
