import Lab
import Testing

extension SystemTests {
    /// What a fleet asks of etcd, by etcd's own count. One member, so that nothing is counted twice.
    @Suite(.serialized, .machines(3, etcd: 1)) struct TrafficTests {
        /// Calls by method, and what watches were sent.
        private func counters(_ machines: Machines) async throws -> [String: Double] {
            let script = #"""
                exec 3<>/dev/tcp/127.0.0.1/2379
                printf 'GET /metrics HTTP/1.0\r\n\r\n' >&3
                cat <&3
                """#
            let text = try await machines.all[0].machine.run(["bash", "-c", script]).checked()
            var counters: [String: Double] = [:]
            for line in text.lines {
                let parts = line.split(whereSeparator: \.isWhitespace)
                guard parts.count == 2, let value = Double(parts[1]) else { continue }
                let name = parts[0]
                if name.hasPrefix("grpc_server_msg_received_total"),
                    let method = name.split(separator: "grpc_method=\"").dropFirst().first?.split(separator: "\"").first
                {
                    counters[String(method), default: 0] += value
                } else if name == "etcd_debugging_mvcc_events_total" {
                    counters["events sent"] = value
                } else if name == "etcd_debugging_mvcc_watcher_total" {
                    counters["watchers"] = value
                }
            }
            guard counters["Txn"] != nil else { throw LabError("etcd's metrics have no transactions") }
            return counters
        }

        private func difference(_ after: [String: Double], _ before: [String: Double]) -> [String: Int] {
            after.merging(before) { $0 - $1 }.filter { $0.value != 0 && $0.key != "watchers" }.mapValues { Int($0) }
        }

        private func crew(_ machines: Machines) async throws -> [String] {
            let names = (1...30).map { "traffic@\($0).service" }
            let running = try await machines.processes("traffic@*.service")
            if running.values.map(\.count).reduce(0, +) == names.count { return names }
            return try await machines.startCrew("traffic", names.count)
        }

        @Test func anIdleFleetRenewsItsLeasesAndThatIsAll() async throws {
            let machines = try currentMachines()
            _ = try await crew(machines)
            let before = try await counters(machines)
            // Not a wait: half a minute of idling is what is measured.
            try await ContinuousClock().sleep(for: .seconds(30))
            let traffic = difference(try await counters(machines), before)
            print("three idle machines with 30 units, 30 s of traffic: \(traffic)")
            // Three machines every 10/3 s, and the leader every 5/3 s; one more of each may fall into the time.
            let renewals = traffic["LeaseKeepAlive"] ?? 0
            #expect((40...50).contains(renewals))
            #expect(traffic.filter { $0.key != "LeaseKeepAlive" }.isEmpty, "\(traffic)")
        }

        @Test func aBurstIsWrittenInFewTransactions() async throws {
            let machines = try currentMachines()
            let names = try await crew(machines)
            let before = try await counters(machines)
            try await machines.all[0].ctl(["stop"] + names).checked()
            try await machines.all[0].ctl(["start"] + names).checked()
            for fleet in machines.all { try await fleet.expect(names, .running) }
            let traffic = difference(try await counters(machines), before)
            print("30 units stopped and started: \(traffic)")
            // Each unit by itself would take four for stop and four for start: what the user asked, the engine's
            // decision, a status on the way and one at the end. Together they take less than one each.
            #expect(traffic["Txn"] ?? 0 <= 60, "\(traffic)")
        }

        /// Every fleetd folds the whole registry, so that whoever leads next is warm and every API answers. Beside that
        /// an agent hears of its own machine only.
        @Test func aChangeReachesItsMachineOnly() async throws {
            let machines = try currentMachines()
            let names = try await crew(machines)
            let before = try await counters(machines)
            try await machines.all[0].ctl(["restart", names[0]]).checked()
            try await machines.all[0].expect(names[0], .running)
            let traffic = difference(try await counters(machines), before)
            print("one unit restarted: \(traffic)")
            // The user's change, the engine's, and the statuses of one machine; nobody else writes.
            #expect(traffic["Txn"] ?? 0 <= 5, "\(traffic)")
            // Target and event, assignment, status and event (one more for a status on the way): each goes to three
            // fleetds, and the assignment to one agent.
            #expect(traffic["events sent"] ?? 0 <= 6 * 3 + 1, "\(traffic)")
        }
    }
}
