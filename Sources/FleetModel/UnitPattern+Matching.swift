package import UnitFile

extension UnitPattern {
    /// Whether the pattern covers the whole of `name`. A malformed pattern (`[` without `]`, a `\` at the end) matches
    /// nothing, as `path.Match` answers it with an error.
    package func matches(_ name: UnitName) -> Bool {
        Self.matches(pattern: description.utf8Span.span, text: name.description.utf8Span.span)
    }

    /// Backtracks to the last `*` only: a later star can always take what an earlier one would have to give up, so the
    /// work is bounded by the product of both lengths.
    private static func matches(pattern: Span<UInt8>, text: Span<UInt8>) -> Bool {
        var inPattern = 0
        var inText = 0
        var afterStar = -1
        var starText = 0
        while inText < text.count {
            if inPattern < pattern.count, pattern[inPattern] == star {
                inPattern += 1
                afterStar = inPattern
                starText = inText
                continue
            }
            if let next = step(pattern, inPattern, text[inText]) {
                inPattern = next
                inText += 1
                continue
            }
            guard afterStar >= 0 else { return false }
            starText += 1
            inPattern = afterStar
            inText = starText
        }
        while inPattern < pattern.count, pattern[inPattern] == star { inPattern += 1 }
        return inPattern == pattern.count
    }

    /// The place after the pattern's next element if that element covers `byte`.
    private static func step(_ pattern: Span<UInt8>, _ start: Int, _ byte: UInt8) -> Int? {
        guard start < pattern.count else { return nil }
        switch pattern[start] {
        case UInt8(ascii: "?"): return start + 1
        case UInt8(ascii: "["): return classEnd(pattern, start + 1, byte)
        case UInt8(ascii: "\\"):
            guard start + 1 < pattern.count, pattern[start + 1] == byte else { return nil }
            return start + 2
        case byte: return start + 1
        default: return nil
        }
    }

    /// The place after a class (`start` is after its `[`) if the class is well formed and covers `byte`.
    private static func classEnd(_ pattern: Span<UInt8>, _ start: Int, _ byte: UInt8) -> Int? {
        var place = start
        var isNegated = false
        if place < pattern.count, pattern[place] == UInt8(ascii: "^") {
            isNegated = true
            place += 1
        }
        var isCovered = false
        var ranges = 0
        while place < pattern.count {
            if pattern[place] == UInt8(ascii: "]"), ranges > 0 {
                return isCovered != isNegated ? place + 1 : nil
            }
            guard let (low, afterLow) = bound(pattern, place) else { return nil }
            var high = low
            place = afterLow
            if place < pattern.count, pattern[place] == UInt8(ascii: "-") {
                guard let (end, afterHigh) = bound(pattern, place + 1) else { return nil }
                high = end
                place = afterHigh
            }
            if low <= byte, byte <= high { isCovered = true }
            ranges += 1
        }
        return nil
    }

    private static func bound(_ pattern: Span<UInt8>, _ start: Int) -> (UInt8, Int)? {
        guard start < pattern.count else { return nil }
        switch pattern[start] {
        case UInt8(ascii: "-"), UInt8(ascii: "]"): return nil
        case UInt8(ascii: "\\"):
            guard start + 1 < pattern.count else { return nil }
            return (pattern[start + 1], start + 2)
        default: return (pattern[start], start + 1)
        }
    }

    private static var star: UInt8 { UInt8(ascii: "*") }
}
