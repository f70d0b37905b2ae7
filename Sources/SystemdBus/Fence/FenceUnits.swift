import FleetAgent

/// The units that systemd needs to act without fleetd. They are written below `/run`, so they are there even when the
/// package is removed, and gone after a boot, when there is nothing to fence.
///
/// At the deadline a transient timer `fleet-fence@DEADLINE.timer` starts the service of the same name. That moves the
/// folder of what is allowed away, so that systemd starts none of the units any more, and then has
/// `fleet-fence-stop.service` started, which every one of them conflicts with (`AtMostOnceDropIn`). systemd takes a
/// start limit seriously even here, so there is none.
enum FenceUnits {
    static let template = "fleet-fence@.service"
    /// Before the machine sleeps: the timers would only act when it wakes up.
    static let sleep = "fleet-fence@sleep.service"

    static func timer(at microseconds: UInt64) -> String { "fleet-fence@\(microseconds).timer" }
    static let timers = "fleet-fence@*.timer"

    static func files(allowed: String) -> [(name: String, text: String)] {
        let gone = allowed + ".gone"
        return [
            (
                template,
                """
                # Written by fleetd for AtMostOnce= units.
                [Unit]
                Description=Fleet: the locks of AtMostOnce= units are no longer certain
                DefaultDependencies=no
                StartLimitIntervalSec=0
                Before=sleep.target
                OnSuccess=\(AtMostOnceDropIn.fence)
                OnSuccessJobMode=replace
                OnFailure=\(AtMostOnceDropIn.fence)
                OnFailureJobMode=replace

                [Service]
                Type=oneshot
                ExecStartPre=-/bin/rm -rf \(gone)
                ExecStart=-/bin/mv -T \(allowed) \(gone)

                """
            ),
            (
                AtMostOnceDropIn.fence,
                """
                # Written by fleetd for AtMostOnce= units.
                [Unit]
                Description=Fleet: AtMostOnce= units are stopped
                DefaultDependencies=no
                StartLimitIntervalSec=0
                After=\(sleep)
                Before=sleep.target

                [Service]
                Type=oneshot
                ExecStart=/bin/true

                """
            ),
        ]
    }
}
