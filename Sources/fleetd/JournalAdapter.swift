import FleetAPI
import FleetRuntime
import SystemdBus
import UnitFile

/// The machine's journal as the API serves it.
struct JournalAdapter: FleetRuntime.JournalReader {
    let journal: SystemdJournal

    func lines(of unit: UnitName, lines: Int, follow: Bool) -> AsyncThrowingStream<JournalLine, any Error> {
        let (stream, continuation) = AsyncThrowingStream.makeStream(of: JournalLine.self)
        let task = Task {
            if follow {
                for await entry in journal.follow(unit, lines: lines) { continuation.yield(JournalLine(entry)) }
            } else {
                for entry in await journal.last(lines, of: unit) { continuation.yield(JournalLine(entry)) }
            }
            continuation.finish()
        }
        continuation.onTermination = { _ in task.cancel() }
        return stream
    }
}

extension JournalLine {
    fileprivate init(_ entry: JournalEntry) {
        self.init(
            at: entry.at,
            hostname: entry.hostname,
            identifier: entry.identifier,
            pid: entry.pid,
            priority: entry.priority,
            message: entry.message
        )
    }
}
