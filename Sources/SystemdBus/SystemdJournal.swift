import FleetAgent
import FleetModel
import Synchronization
package import UnitFile

/// The local journal, read through sd-journal on threads of its own.
package struct SystemdJournal: Sendable {
    /// nil for the machine's journal.
    private let directory: String?
    /// Readings wait on files and on journald; more at once would only add threads.
    private let turnstile = Turnstile(limit: 4)

    package init(directory: String? = nil) { self.directory = directory }

    /// The newest `lines` entries of a unit (of one invocation of it when that is not empty), oldest first.
    package func last(_ lines: Int, of unit: UnitName, invocation: String = "") async -> [JournalEntry] {
        await read { directory in
            JournalReader(directory: directory, filter: .unit(unit, invocation: invocation))?.last(lines) ?? []
        }
    }

    /// The newest `lines` entries of a unit since one of its invocations began, oldest first, after that has failed.
    ///
    /// The last words of a process reach journald behind systemd's signal, so this waits until what PID 1 wrote about
    /// the failure is there, for a quarter of a second at most. They may carry another invocation or none, because
    /// journald looks up what a process belonged to when it may be gone: so the invocation only says since when.
    package func lastWords(_ lines: Int, of unit: UnitName, invocation: String) async -> [JournalEntry] {
        await read { directory in
            let filter = JournalReader.Filter.unit(unit, invocation: "")
            guard let reader = JournalReader(directory: directory, filter: filter) else { return [] }
            return Self.waiting(for: { entries in entries.contains { Self.failureMessages.contains($0.messageID) } }) {
                wait in
                if let wait { reader.wait(wait) }
                let run = JournalReader.Filter.unit(unit, invocation: invocation)
                let begin = JournalReader(directory: directory, filter: run)?.first?.at
                return reader.last(lines).filter { entry in begin.map { $0 <= entry.at } ?? true }
            }
        }
    }

    /// What PID 1 said about a unit's file since `time` (CLOCK_REALTIME in microseconds), without the path. Waits a
    /// little for the first line.
    func complaints(about unit: UnitName, file: String, since time: UInt64) async -> [String] {
        let entries = await read { directory in
            guard let reader = JournalReader(directory: directory, filter: .manager(unit)) else { return [] }
            return Self.waiting(for: { !$0.isEmpty }) { wait in
                if let wait { reader.wait(wait) }
                return reader.since(time, atMost: Self.complaintLines)
            }
        }
        var lines: [String] = []
        for entry in entries {
            let line = Self.complaint(entry.message, unit: unit.description, file: file)
            if !lines.contains(line) { lines.append(line) }
        }
        return lines
    }

    /// What podman said last of the containers of these units since their runs began (CLOCK_REALTIME in microseconds),
    /// for those that it found unhealthy. podman writes that before it ends a container, and waits for its end.
    func verdicts(on begins: [UnitName: UInt64]) async -> [UnitName: PodmanVerdict] {
        guard let earliest = begins.values.min() else { return [:] }
        await turnstile.enter()
        let verdicts = await OwnThread.run { [directory] in
            let events = JournalReader(directory: directory, filter: .containerChecks)?.checks(since: earliest)
            return ContainerCheck.verdicts(events ?? [], since: begins)
        }
        await turnstile.leave()
        return verdicts
    }

    /// Entries as they come, after the newest `lines`. Ends when the consumer goes away. Works before there is a
    /// journal: it waits for one.
    package func follow(
        _ unit: UnitName,
        invocation: String = "",
        lines: Int
    ) -> AsyncStream<JournalEntry> {
        let follower = JournalFollower(
            directory: directory,
            filter: .unit(unit, invocation: invocation),
            lines: lines
        )
        return AsyncStream(unfolding: { await follower.next() }, onCancel: { follower.stop() })
    }

    /// Lines of systemd about one file that are worth telling: the first mistakes, not every one.
    private static let complaintLines = 5

    /// `SD_MESSAGE_UNIT_FAILURE_RESULT` and `SD_MESSAGE_UNIT_FAILED` of sd-messages.h.
    private static let failureMessages: Set<String> = [
        "d9b373ed55a64feb8242e02dbe79a49c", "be02cf6855d2428ba40df7e9d022f03d",
    ]

    private func read(
        _ body: @escaping @Sendable (_ directory: String?) -> [JournalEntry]
    ) async -> [JournalEntry] {
        await turnstile.enter()
        let entries = await OwnThread.run { [directory] in body(directory) }
        await turnstile.leave()
        return entries
    }

    /// Reads until `isEnough`, and then once more after the next change, if that comes soon: journald takes what a
    /// process and PID 1 wrote at the same moment from two sockets, in any order.
    private static func waiting(
        for isEnough: ([JournalEntry]) -> Bool,
        _ read: (_ wait: UInt64?) -> [JournalEntry]
    ) -> [JournalEntry] {
        let begin = ContinuousClock.now
        var entries = read(nil)
        while !isEnough(entries) {
            let spent = UInt64(clamping: begin.duration(to: .now).milliseconds) * 1000
            guard spent < BusLimits.journalWaitMicroseconds else { return entries }
            entries = read(BusLimits.journalWaitMicroseconds - spent)
        }
        return read(BusLimits.journalAfterwordMicroseconds)
    }

    /// `/run/systemd/system/a.service:3: Bad thing` becomes `line 3: Bad thing`, and `a.service: Bad` becomes `Bad`.
    static func complaint(_ message: String, unit: String, file: String) -> String {
        for prefix in [file + ":", unit + ": "] where message.hasPrefix(prefix) {
            let rest = message.dropFirst(prefix.count)
            guard prefix.hasPrefix("/"), let colon = rest.firstIndex(of: ":"), UInt(rest[..<colon]) != nil else {
                return rest.drop { $0 == " " }.description
            }
            return "line " + rest[..<colon] + ":" + rest[rest.index(after: colon)...]
        }
        return message
    }
}

/// Lets a limited number through at once, in order.
actor Turnstile {
    private var free: Int
    private var waiting: [CheckedContinuation<Void, Never>] = []

    init(limit: Int) { free = limit }

    func enter() async {
        if free > 0 {
            free -= 1
            return
        }
        await withCheckedContinuation { waiting.append($0) }
    }

    func leave() {
        if waiting.isEmpty { free += 1 } else { waiting.removeFirst().resume() }
    }
}
