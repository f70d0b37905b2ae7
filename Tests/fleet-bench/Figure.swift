/// One line of the benchmark's table: what was measured, what it is compared with, and the bar it has to clear.
struct Figure: Sendable {
    var name: String
    var measured: String
    var reference: String
    var bar: String
    /// nil for a figure without a bar.
    var isMet: Bool?

    static let header = """
        | figure | measured | beside it, in the same run | bar | met |
        | --- | --- | --- | --- | --- |
        """

    var row: String {
        let verdict = isMet.map { $0 ? "yes" : "**no**" } ?? "-"
        return "| \(name) | \(measured) | \(reference) | \(bar) | \(verdict) |"
    }
}

/// Durations of one thing done many times, in microseconds.
struct Samples: Sendable {
    private let sorted: [Double]

    /// Traps on an empty list: a benchmark that measured nothing has no figure.
    init(_ values: [Double]) {
        precondition(!values.isEmpty, "no samples")
        sorted = values.sorted()
    }

    /// The value that `share` of the samples do not exceed.
    func quantile(_ share: Double) -> Double {
        sorted[min(sorted.count - 1, Int(share * Double(sorted.count)))]
    }

    var count: Int { sorted.count }
    var median: Double { quantile(0.5) }

    /// `2.31 ms (p90 3.05)`
    var text: String { "\(milliseconds(median)) ms (p90 \(milliseconds(quantile(0.9))))" }
}

/// Microseconds as milliseconds with two decimals, without a formatter.
func milliseconds(_ microseconds: Double) -> String { decimal(microseconds / 1000) }

/// `value` with two decimals.
func decimal(_ value: Double) -> String {
    let hundredths = Int((value * 100).rounded())
    let fraction = String(abs(hundredths) % 100)
    return "\(hundredths / 100)." + (fraction.count == 1 ? "0" + fraction : fraction)
}
