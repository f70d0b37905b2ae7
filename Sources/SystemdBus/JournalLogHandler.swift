import CSystemd
import Glibc
package import Logging

/// Sends log lines to the journal with their priority and their metadata as fields of their own (`FLEET_UNIT=`,
/// `FLEET_MACHINE=`, ...), so that `journalctl -u fleetd FLEET_UNIT=web.service` works. Where standard error is not the
/// journal (a terminal, a test) they are printed there.
package struct JournalLogHandler: LogHandler {
    package var logLevel = Logger.Level.info
    package var metadata = Logger.Metadata()
    private let goesToJournal: Bool

    package init() {
        goesToJournal = Self.standardErrorIsTheJournal()
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        var fields = metadata
        fields.merge(event.metadata ?? [:]) { _, new in new }
        let details = fields.sorted { $0.key < $1.key }
        if goesToJournal {
            var lines = ["MESSAGE=\(event.message)", "PRIORITY=\(Self.priority(of: event.level))"]
            lines += details.map { "FLEET_\(Self.fieldName($0.key))=\($0.value)" }
            Self.send(lines)
        } else {
            let suffix = details.map { " \($0.key)=\($0.value)" }.joined()
            let line = "\(event.level): \(event.message)\(suffix)\n"
            // One write per line; a standard error that cannot take it has nobody to be told.
            _ = Array(line.utf8).withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
        }
    }

    /// syslog(3) priorities.
    private static func priority(of level: Logger.Level) -> Int {
        switch level {
        case .trace, .debug: 7
        case .info: 6
        case .notice: 5
        case .warning: 4
        case .error: 3
        case .critical: 2
        }
    }

    /// A journal field name: upper-case letters, digits and underscores (systemd.journal-fields(7)).
    private static func fieldName(_ key: String) -> String {
        String(
            decoding: key.utf8.map { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"): byte - 32
                case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): byte
                default: UInt8(ascii: "_")
                }
            },
            as: UTF8.self
        )
    }

    private static func send(_ lines: [String]) {
        let texts = lines.map { Array($0.utf8) }
        let joined = texts.flatMap { $0 }
        joined.withUnsafeBytes { buffer in
            var vectors: [iovec] = []
            var offset = 0
            for text in texts {
                let start = buffer.baseAddress.map { UnsafeMutableRawPointer(mutating: $0 + offset) }
                vectors.append(iovec(iov_base: start, iov_len: text.count))
                offset += text.count
            }
            // A journal that cannot take a line has nobody to be told.
            _ = sd_journal_sendv(&vectors, Int32(vectors.count))
        }
    }

    /// systemd.exec(5): `$JOURNAL_STREAM` holds the device and inode that standard error was connected to.
    private static func standardErrorIsTheJournal() -> Bool {
        guard let stream = getenv("JOURNAL_STREAM").map({ String(cString: $0) }) else { return false }
        var status = stat()
        guard fstat(STDERR_FILENO, &status) == 0 else { return false }
        return stream == "\(status.st_dev):\(status.st_ino)"
    }
}
