/// Everything that was done, with the time since the storm began; faults go to the reader at once.
actor StormLog {
    private let begin = ContinuousClock.now
    private let print: @Sendable (String) -> Void
    private(set) var lines: [String] = []

    init(print: @escaping @Sendable (String) -> Void) { self.print = print }

    /// `what` is the line's kind, then tab-separated words.
    func note(_ what: String, isNews: Bool = false) {
        let time = milliseconds(ContinuousClock.now - begin)
        let line = "+\(time)ms\t\(what)"
        lines.append(line)
        if isNews { print(line) }
    }
}
