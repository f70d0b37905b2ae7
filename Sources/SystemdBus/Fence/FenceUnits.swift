import FleetAgent

/// The units that systemd needs to act without fleetd. They are written below `/run`, so they are there even when the
/// package is removed, and gone after a boot, when there is nothing to fence.
///
/// At the deadline a transient timer `fleet-fence@DEADLINE.timer` starts the service of the same name. That moves the
/// folder of what is allowed away, so that systemd starts none of the units any more, and then has
/// `fleet-fence-stop.service` started, which every one of them conflicts with (`AtMostOnceDropIn`). systemd takes a
/// start limit seriously even here, so there is none.
///
/// A machine that was frozen as a whole, or slept without systemd's knowledge, comes here late, and nobody waits for it
/// any more: then the units are killed.
enum FenceUnits {
    static let template = "fleet-fence@.service"
    /// Before the machine sleeps: the timers would only act when it wakes up.
    static let sleep = "fleet-fence@sleep.service"

    static func timer(at microseconds: UInt64) -> String { "fleet-fence@\(microseconds).timer" }
    static let timers = "fleet-fence@*.timer"

    /// Beside the folder of what is allowed: `late DEADLINE MARGIN`, with the timer's instance (microseconds; the word
    /// `sleep` for none) and hundredths of a second.
    static func latePath(allowed: String) -> String { allowed + ".late" }

    static let late = """
        #!/bin/sh
        # Written by fleetd: kills the AtMostOnce= units when the fence comes down too late for a stop in good order.
        case $1 in *[!0-9]* | "") exit 0 ;; esac
        read -r up _ </proc/uptime
        [ $((${up%.*}${up#*.} - $1 / 10000)) -ge "$2" ] || exit 0
        cd /run/systemd/system || exit 0
        set --
        for file in *.d/50-fleet-at-most-once.conf; do
            [ -e "$file" ] && set -- "$@" "${file%.d/*}"
        done
        [ $# -eq 0 ] || exec systemctl kill --signal=SIGKILL -- "$@"

        """

    /// `margin` is how late the fence may come down (`FenceTiming.margin`).
    static func files(allowed: String, margin: Duration) -> [(name: String, text: String)] {
        let gone = allowed + ".gone"
        let margin = margin.components.seconds * 100 + margin.components.attoseconds / 10_000_000_000_000_000
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
                ExecStart=-/bin/sh \(latePath(allowed: allowed)) %i \(margin)

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
