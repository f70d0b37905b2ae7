/// Finds what somebody meant who misspelt a word of a small vocabulary.
enum Spelling {
    /// The candidate nearest to `word`, ignoring case; nil when none is near enough to be what was meant. Ties go to
    /// the earlier candidate.
    static func nearest(to word: String, among candidates: [String]) -> String? {
        // A long word is no misspelling of a short one, and distances cost the product of the lengths.
        guard word.utf8.count <= 64 else { return nil }
        let scored = candidates.map { ($0, distance(word.lowercased(), $0.lowercased())) }
        guard let best = scored.min(by: { $0.1 < $1.1 }) else { return nil }
        return best.1 <= max(1, best.0.utf8.count / 3) ? best.0 : nil
    }

    /// How many insertions, deletions, substitutions and swaps of neighbours lead from one word to the other (the
    /// optimal string alignment distance).
    static func distance(_ left: String, _ right: String) -> Int {
        let (left, right) = (Array(left.unicodeScalars), Array(right.unicodeScalars))
        var beforeLast: [Int] = []
        var last = Array(0...right.count)
        for (row, scalar) in left.enumerated() {
            var current = [row + 1]
            for column in right.indices {
                let substituted = last[column] + (scalar == right[column] ? 0 : 1)
                var cost = min(substituted, last[column + 1] + 1, current[column] + 1)
                if row > 0, column > 0, scalar == right[column - 1], left[row - 1] == right[column] {
                    cost = min(cost, beforeLast[column - 1] + 1)
                }
                current.append(cost)
            }
            (beforeLast, last) = (last, current)
        }
        return last[right.count]
    }
}
