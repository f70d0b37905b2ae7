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
        let bytes = text.utf8
        guard bytes.count == 38, let at = Timestamp(String(Substring(bytes.prefix(24)))) else { return nil }
        let numbers = bytes.dropFirst(24).split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
        guard numbers.count == 3, numbers[0].isEmpty, let writer = UInt32(Substring(numbers[1]), radix: 16),
            let counter = UInt16(Substring(numbers[2]), radix: 16)
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
