import Glibc

/// What the kernel says of a connection.
enum NetworkError {
    /// This machine or fleetd is short of something; the unit has nothing to do with it.
    static func isOwn(_ number: Int32) -> Bool { [EMFILE, ENFILE, ENOMEM, ENOBUFS, EADDRNOTAVAIL].contains(number) }

    /// strerror(3), in lower case as part of a sentence.
    static func text(_ number: Int32) -> String {
        let text = withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
            guard let start = buffer.baseAddress else { return "error \(number)" }
            return strerror_r(number, start, buffer.count) == 0 ? String(cString: start) : "error \(number)"
        }
        return text.lowercased()
    }
}
