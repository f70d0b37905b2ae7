import Lab

/// fleetd's time of day on one machine, which a test sets. Machines share the host's clock, and only one that is lied
/// to (libfaketime) has another. What counts from the boot is left alone, as when somebody sets a real clock.
struct FleetdClock: Sendable {
    let fleet: Fleet

    private static let file = "/run/time-of-day"
    private static let dropIn = "/etc/systemd/system/fleetd.service.d/time-of-day.conf"

    /// fleetd starts anew, with the right time, and keeps to the member of etcd on its own machine.
    ///
    /// libfaketime gets timers wrong that are set to a time since the boot. libdispatch sets such ones, and a request
    /// waits with it before it asks another member.
    func takeOver() async throws {
        try await set(ahead: 0)
        try await fleet.machine.shell(
            """
            mkdir -p $(dirname \(Self.dropIn))
            cat >\(Self.dropIn) <<END
            [Service]
            Environment=LD_PRELOAD=$(dpkg --listfiles libfaketime | grep MT)
            Environment=FAKETIME_TIMESTAMP_FILE=\(Self.file) FAKETIME_NO_CACHE=1
            Environment=DONT_FAKE_MONOTONIC=1 FAKETIME_DONT_FAKE_MONOTONIC=1
            Environment=FLEET_ETCD_SERVERS=http://\(fleet.machine.address):2379
            END
            systemctl daemon-reload; systemctl restart fleetd.service
            """
        )
    }

    func giveBack() async throws {
        try await fleet.machine.shell(
            "rm \(Self.dropIn); systemctl daemon-reload; systemctl restart fleetd.service"
        )
    }

    /// fleetd reads it with every look at the clock.
    func set(ahead seconds: Int) async throws {
        let text = seconds < 0 ? "\(seconds)" : "+\(seconds)"
        try await fleet.machine.shell("echo \(text) >\(Self.file).new; mv \(Self.file).new \(Self.file)")
    }
}
