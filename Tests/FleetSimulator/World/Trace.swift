/// What happened, as a number and, when somebody reads along, as text. Two runs of one seed have the same hash, or the
/// simulator, a core or the language is not deterministic.
struct Trace {
    /// FNV-1a over everything noted.
    private(set) var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    let print: ((String) -> Void)?

    var isOn: Bool { print != nil }

    mutating func mix(_ number: Int64) {
        hash = (hash ^ UInt64(bitPattern: number)) &* 0x0000_0100_0000_01b3
        hash ^= hash >> 29
    }

    mutating func mix(_ bytes: [UInt8]) {
        var hash = hash
        bytes.withUnsafeBufferPointer { bytes in
            for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
        }
        self.hash = hash
    }
}
