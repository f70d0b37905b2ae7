/// How a machine loses its network.
package enum CableCut: String, CaseIterable, Sendable {
    /// The card sees it: no carrier. Connections to elsewhere fail with an error, sooner or later.
    case unplugged
    /// The card sees nothing: a switch that forwards no more. Connections hang.
    case silent
}

extension Machine {
    /// Cuts the machine's cable outside of it, so that nothing in the machine takes part in it.
    package func cutCable(_ cut: CableCut) async throws {
        switch cut {
        case .unplugged: try await onPort(["ip", "link", "set"], ["down"])
        // A port that is disabled (state 0) forwards nothing in either direction.
        case .silent: try await onPort(["bridge", "link", "set", "dev"], ["state", "0"])
        }
    }

    /// Undoes either cut.
    package func mendCable() async throws {
        try await onPort(["ip", "link", "set"], ["up"])
        try await onPort(["bridge", "link", "set", "dev"], ["state", "3"])
    }

    /// Runs a command in the lab's network with the bridge's port of this machine between `before` and `after`.
    private func onPort(_ before: [String], _ after: [String]) async throws {
        let network = ["nsenter", "--net=/proc/\(try await lab.network().id)/ns/net", "--"]
        let index = try await shell("cat /sys/class/net/host0/iflink").split(separator: "\n").first ?? ""
        let links = try await HostCommand.run(network + ["ip", "-oneline", "link", "show"]).checked()
        // 5: vb-fl1234-m1@if2: <BROADCAST,...
        guard let line = links.lines.first(where: { $0.hasPrefix("\(index): ") }),
            let port = line.split(separator: " ").dropFirst().first?.split(separator: "@").first?
                .split(separator: ":").first
        else { throw LabError("machine \(name) has no port \(index) in \(links.standardOutput)") }
        try await HostCommand.run(network + before + [String(port)] + after).checked()
    }
}
