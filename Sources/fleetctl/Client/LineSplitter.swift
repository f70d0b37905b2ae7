/// Cuts a stream of bytes into lines, however the bytes were cut into chunks. Empty lines are dropped: fleetd may send
/// them to keep a connection alive.
struct LineSplitter {
    private var pending: [UInt8] = []

    /// The lines that `chunk` completes, without their newlines.
    mutating func append(_ chunk: some Collection<UInt8>) -> [[UInt8]] {
        var lines: [[UInt8]] = []
        var rest = chunk[...]
        while let newline = rest.firstIndex(of: UInt8(ascii: "\n")) {
            pending += rest[..<newline]
            if !pending.isEmpty { lines.append(pending) }
            pending = []
            rest = rest[rest.index(after: newline)...]
        }
        pending += rest
        return lines
    }

    /// The last line, if the stream did not end in a newline.
    mutating func finish() -> [UInt8]? {
        defer { pending = [] }
        return pending.isEmpty ? nil : pending
    }
}
