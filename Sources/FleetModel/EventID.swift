/// Names one stored event of a unit. Sorts by time; the writer and its counter keep two events of one millisecond
/// apart.
package struct EventID: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let at: Timestamp
    /// The first 32 bits of the id of the machine that wrote it.
    package let writer: UInt32
    package let counter: UInt16

    /// `counter` is the writer's running number; it may wrap.
    package static func make(at: Timestamp, writer: MachineID, counter: Int) -> EventID {
        EventID(
            at: at,
            writer: writer.firstWord,
            counter: UInt16(truncatingIfNeeded: counter)
        )
    }

    private init(at: Timestamp, writer: UInt32, counter: UInt16) {
        self.at = at
        self.writer = writer
        self.counter = counter
    }

    /// `2026-11-21T10:57:03.120Z-1a2b3c4d-0007`: the order of the texts is the order of the ids.
    package var description: String {
        "\(at)-\(Self.hexadecimal(writer, 8))-\(Self.hexadecimal(counter, 4))"
    }

    /// Reads what `description` writes; nil for anything else.
    package init?(_ text: String) {
        let parts = text.utf8.count == 38 ? text.split(separator: "Z-", maxSplits: 1) : []
        guard parts.count == 2, let at = Timestamp(parts[0] + "Z") else { return nil }
        let numbers = parts[1].split(separator: "-")
        guard numbers.count == 2, let writer = UInt32(numbers[0], radix: 16),
            let counter = UInt16(numbers[1], radix: 16)
        else { return nil }
        self.init(at: at, writer: writer, counter: counter)
    }

    package static func < (left: EventID, right: EventID) -> Bool {
        (left.at, left.writer, left.counter) < (right.at, right.writer, right.counter)
    }

    private static func hexadecimal(_ number: some BinaryInteger, _ width: Int) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
