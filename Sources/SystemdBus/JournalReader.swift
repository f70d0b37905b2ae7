import CSystemd
import FleetModel
import Glibc
import UnitFile

/// An open journal. Used on one thread only, because sd-journal is not thread safe.
final class JournalReader {
    /// Which entries.
    enum Filter: Hashable, Sendable {
        /// What the unit's processes wrote, and what systemd wrote about the unit. Of one invocation when that is not
        /// empty.
        case unit(UnitName, invocation: String)
        /// What PID 1 wrote about the unit.
        case manager(UnitName)
        /// What podman wrote about health checks of containers, on behalf of root.
        case containerChecks
    }

    private let journal: OpaquePointer

    /// nil when there is no journal (yet).
    init?(directory: String?, filter: Filter) {
        var journal: OpaquePointer?
        let result =
            directory.map { sd_journal_open_directory(&journal, $0, 0) }
            ?? sd_journal_open(&journal, Int32(SD_JOURNAL_LOCAL_ONLY))
        guard result >= 0, let journal else { return nil }
        self.journal = journal
        // From here on changes are noticed: watching has to begin before reading, or what comes between is missed.
        guard sd_journal_get_fd(journal) >= 0, add(filter) else { return nil }
        sd_journal_set_data_threshold(journal, BusLimits.journalFieldBytes)
    }

    deinit { sd_journal_close(journal) }

    var descriptor: Int32 { sd_journal_get_fd(journal) }
    var events: Int16 { Int16(truncatingIfNeeded: sd_journal_get_events(journal)) }

    /// Milliseconds until `process` is due without an event; -1 for never. Network file systems need this.
    var timeout: Int32 {
        var deadline = UInt64.max
        guard sd_journal_get_timeout(journal, &deadline) > 0, deadline != .max else { return -1 }
        return 1000
    }

    /// Takes note of what the descriptor said.
    func process() -> Bool { sd_journal_process(journal) >= 0 }

    /// Waits until the journal changes; at most `microseconds`.
    func wait(_ microseconds: UInt64) { _ = sd_journal_wait(journal, microseconds) }

    /// The newest entries, oldest first, bounded in number and bytes.
    func last(_ count: Int) -> [JournalEntry] {
        var entries: [JournalEntry] = []
        var bytes = 0
        sd_journal_seek_tail(journal)
        while entries.count < min(count, BusLimits.journalEntries), bytes < BusLimits.journalBytes,
            sd_journal_previous(journal) > 0
        {
            let entry = entry()
            bytes += entry.message.utf8.count
            entries.append(entry)
        }
        return entries.reversed()
    }

    /// Checks of containers since a CLOCK_REALTIME time in microseconds, newest first, bounded in number.
    func checks(since time: UInt64) -> [ContainerCheck.Event] {
        var events: [ContainerCheck.Event] = []
        sd_journal_seek_tail(journal)
        while events.count < BusLimits.containerChecks, sd_journal_previous(journal) > 0 {
            var at: UInt64 = 0
            sd_journal_get_realtime_usec(journal, &at)
            guard at >= time else { break }
            events.append(
                ContainerCheck.Event(
                    at: at,
                    status: field("PODMAN_HEALTH_STATUS"),
                    streak: field("PODMAN_HEALTH_FAILING_STREAK"),
                    labels: field("PODMAN_LABELS"),
                    log: field("PODMAN_HEALTH_LOG")
                )
            )
        }
        return events
    }

    /// Entries since a CLOCK_REALTIME time in microseconds, oldest first.
    func since(_ time: UInt64, atMost count: Int) -> [JournalEntry] {
        var entries: [JournalEntry] = []
        sd_journal_seek_realtime_usec(journal, time)
        while entries.count < count, let entry = next() { entries.append(entry) }
        return entries
    }

    /// The oldest entry.
    var first: JournalEntry? {
        sd_journal_seek_head(journal)
        return next()
    }

    /// Goes behind the newest `count` entries, so that `next` gives these and then what comes.
    func seek(behindLast count: Int) {
        sd_journal_seek_tail(journal)
        // The tail is behind the last entry; one more step back and `next` would give it again.
        if sd_journal_previous_skip(journal, UInt64(count) + 1) <= UInt64(count) { sd_journal_seek_head(journal) }
    }

    /// The next entry; nil when there is none yet.
    func next() -> JournalEntry? {
        sd_journal_next(journal) > 0 ? entry() : nil
    }

    private func add(_ filter: Filter) -> Bool {
        switch filter {
        case .manager(let unit):
            return match("_PID=1") && match("UNIT=\(unit)")
        case .containerChecks: return match("_UID=0") && match(ContainerCheck.eventField)
        case .unit(let unit, let invocation) where invocation.isEmpty:
            // The same as `journalctl -u`.
            return match("_SYSTEMD_UNIT=\(unit)") && either() && match("_UID=0") && match("UNIT=\(unit)")
                && either() && match("_UID=0") && match("COREDUMP_UNIT=\(unit)")
        case .unit(let unit, let invocation):
            // The processes of a unit that failed at once may be gone before journald looks up what they belonged to;
            // what the forked child of PID 1 writes then carries the fields of systemd itself.
            return match("_SYSTEMD_INVOCATION_ID=\(invocation)") && either()
                && match("_UID=0") && match("UNIT=\(unit)") && match("INVOCATION_ID=\(invocation)")
        }
    }

    private func match(_ field: String) -> Bool { sd_journal_add_match(journal, field, 0) >= 0 }
    private func either() -> Bool { sd_journal_add_disjunction(journal) >= 0 }

    private func entry() -> JournalEntry {
        var time: UInt64 = 0
        sd_journal_get_realtime_usec(journal, &time)
        let identifier = field("SYSLOG_IDENTIFIER")
        return JournalEntry(
            at: Timestamp(milliseconds: Int64(time / 1000)),
            hostname: field("_HOSTNAME"),
            identifier: identifier.isEmpty ? field("_COMM") : identifier,
            pid: Int32(field("_PID")) ?? 0,
            priority: Int(field("PRIORITY")) ?? 6,
            message: field("MESSAGE"),
            messageID: field("MESSAGE_ID")
        )
    }

    /// Empty when the entry has no such field. Bytes that are not UTF-8 become U+FFFD.
    private func field(_ name: String) -> String {
        var data: UnsafeRawPointer?
        var length = 0
        guard sd_journal_get_data(journal, name, &data, &length) >= 0, let data else { return "" }
        let prefix = name.utf8.count + 1
        guard length >= prefix else { return "" }
        return String(decoding: UnsafeRawBufferPointer(start: data + prefix, count: length - prefix), as: UTF8.self)
    }
}
