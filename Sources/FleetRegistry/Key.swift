/// A key of the registry. Keys are ordered by their bytes, as etcd orders them.
package struct Key: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }

    package static func < (left: Key, right: Key) -> Bool {
        left.description.utf8.lexicographicallyPrecedes(right.description.utf8)
    }
}

/// A half-open range of keys, `[start, end)`.
package struct KeyRange: Hashable, Sendable {
    package let start: Key
    /// nil: up to the last key of all.
    package let end: Key?

    package init(start: Key, end: Key?) {
        self.start = start
        self.end = end
    }

    /// Just `key`.
    package static func key(_ key: Key) -> KeyRange {
        KeyRange(start: key, end: Key(key.description + "\0"))
    }

    /// Every key that starts with `prefix`. `prefix` must end in an ASCII character below DEL; ours end in `/`.
    package static func prefix(_ prefix: String) -> KeyRange {
        guard let last = prefix.utf8.last else { return KeyRange(start: Key(""), end: nil) }
        precondition(last < 0x7f, "a key prefix ends in ASCII")
        let end = prefix.utf8.dropLast() + [last + 1]
        return KeyRange(start: Key(prefix), end: Key(String(decoding: end, as: UTF8.self)))
    }

    package func contains(_ key: Key) -> Bool {
        guard key >= start else { return false }
        guard let end else { return true }
        return key < end
    }
}
