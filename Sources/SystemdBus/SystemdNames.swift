/// Names of org.freedesktop.systemd1(5).
enum SystemdName {
    static let service = "org.freedesktop.systemd1"
    static let managerPath = "/org/freedesktop/systemd1"
    static let manager = "org.freedesktop.systemd1.Manager"
    static let unit = "org.freedesktop.systemd1.Unit"
    static let serviceInterface = "org.freedesktop.systemd1.Service"
    static let properties = "org.freedesktop.DBus.Properties"
    static let unitPathPrefix = "/org/freedesktop/systemd1/unit/"

    /// The object path of a unit: every byte but letters and digits is written `_xx`, a leading digit too
    /// (`sd_bus_path_encode(3)`).
    static func path(of unit: String) -> String {
        let digits = Array("0123456789abcdef".utf8)
        var path = Array(unitPathPrefix.utf8)
        for (index, byte) in unit.utf8.enumerated() {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"):
                path.append(byte)
            case UInt8(ascii: "0")...UInt8(ascii: "9") where index > 0:
                path.append(byte)
            default:
                path += [UInt8(ascii: "_"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: path, as: UTF8.self)
    }
}

/// The bounds of this module, each with its reason.
enum BusLimits {
    /// systemd answers nothing during a daemon-reload, which has been seen to take 30 s on hosts with many units.
    static let callMicroseconds: UInt64 = 120_000_000
    /// Messages handled before the jobs of the executor get their turn.
    static let messagesPerTurn = 64
    /// Units read at once: enough to fill the pipe, few enough that a signal is answered while a thousand units start.
    static let unitsPerRead = 64
    /// How often a unit's state is read again because it changed while it was read, before the last answer is told
    /// anyway: a unit that changes all the time must not be silent.
    static let readsInARow = 4
    /// Back-off of reconnecting: the first attempt comes soon after a daemon-reexec, the last ones cost nothing.
    static let firstReconnect = Duration.milliseconds(100)
    static let lastReconnect = Duration.seconds(5)
    /// How long a failure's last journal lines are waited for: journald writes behind systemd's back.
    static let journalWaitMicroseconds: UInt64 = 250_000
    /// How long one more line is waited for after the one that was awaited.
    static let journalAfterwordMicroseconds: UInt64 = 20_000
    /// Journal entries looked at for one reading, beyond which older ones are not worth their I/O.
    static let journalEntries = 10_000
    /// Journal entries read of a companion that did not start: podman's last words, and systemd's.
    static let companionLines = 10
    /// Bytes returned by one reading of the journal.
    static let journalBytes = 1 << 20
    /// Newest checks of containers that are looked through for those of one that has ended: a machine with a hundred
    /// containers makes so many in five minutes, and the one that counts came a moment before.
    static let containerChecks = 1000
    /// Bytes of one field taken from the journal.
    static let journalFieldBytes = 64 * 1024
}
