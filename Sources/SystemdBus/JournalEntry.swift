package import FleetModel

/// One entry of the journal (systemd.journal-fields(7)).
package struct JournalEntry: Hashable, Sendable {
    package var at: Timestamp
    package var hostname: String
    /// `SYSLOG_IDENTIFIER`, or the command's name.
    package var identifier: String
    /// 0 when unknown.
    package var pid: Int32
    /// syslog(3) level, 0 to 7.
    package var priority: Int
    package var message: String
    /// `MESSAGE_ID`; empty for most entries.
    package var messageID: String

    package init(
        at: Timestamp,
        hostname: String,
        identifier: String,
        pid: Int32,
        priority: Int,
        message: String,
        messageID: String = ""
    ) {
        self.at = at
        self.hostname = hostname
        self.identifier = identifier
        self.pid = pid
        self.priority = priority
        self.message = message
        self.messageID = messageID
    }

    /// `identifier[pid]: message`, as syslog writes it, at most `bytes` long; a longer one ends in an ellipsis.
    package func line(bytes: Int) -> String {
        let origin = pid > 0 ? "\(identifier)[\(pid)]: " : "\(identifier): "
        return Self.shortened(origin + message, to: bytes)
    }

    /// Whole characters only, so that the result is valid UTF-8 of at most `bytes`.
    static func shortened(_ text: String, to bytes: Int) -> String {
        guard text.utf8.count > bytes else { return text }
        let ellipsis = "…"
        var kept = ""
        var room = bytes - ellipsis.utf8.count
        for scalar in text.unicodeScalars {
            room -= UTF8.width(scalar)
            if room < 0 { break }
            kept.unicodeScalars.append(scalar)
        }
        return kept + ellipsis
    }
}
