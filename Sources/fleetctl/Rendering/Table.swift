import FleetModel

/// A table of tab-separated columns, as fleet printed it: Go's `text/tabwriter` with a tab width of 8, a padding of 1
/// and tabs as padding, so that scripts may split the lines at tabs.
struct Table {
    private static let tabWidth = 8
    private static let padding = 1

    var rows: [[String]]

    func render() -> String {
        let columns = rows.map(\.count).max() ?? 0
        // A cell ends in a tab, save the last one of its row, which belongs to no column.
        let widths = (0..<max(columns - 1, 0)).map { column in
            let longest = rows.map { column < $0.count - 1 ? $0[column].unicodeScalars.count : 0 }.max() ?? 0
            return (longest + Self.padding + Self.tabWidth - 1) / Self.tabWidth * Self.tabWidth
        }
        return rows.map { line($0, widths) }.joined()
    }

    private func line(_ row: [String], _ widths: [Int]) -> String {
        var text = ""
        for (column, cell) in row.enumerated() {
            text += cell
            guard column < row.count - 1 else { break }
            let missing = widths[column] - cell.unicodeScalars.count
            text += String(repeating: "\t", count: (missing + Self.tabWidth - 1) / Self.tabWidth)
        }
        return text + "\n"
    }
}

/// The named columns that a listing can show, and the lines of its table.
struct Listing<Row> {
    struct Column {
        var name: String
        var value: (Row, Layout) -> String

        init(_ name: String, _ value: @escaping (Row, Layout) -> String) {
            self.name = name
            self.value = value
        }
    }

    /// fleet's columns when `--fields` is not given.
    var standard: [String]
    var columns: [Column]

    /// The columns for `--fields`, in its order; the errors are fleet's.
    func columns(of fields: String?) throws(Failure) -> [Column] {
        let names = fields.map { $0.split(separator: ",").map(String.init) } ?? standard
        guard !names.isEmpty else { throw .usage("Must define output format") }
        var chosen: [Column] = []
        for name in names {
            guard let column = columns.first(where: { $0.name == name }) else {
                let known = columns.map(\.name).joined(separator: ",")
                throw .usage("Invalid key in output format: \"\(name)\" (known: \(known))")
            }
            chosen.append(column)
        }
        return chosen
    }

    func render(_ rows: [Row], columns: [Column], layout: Layout) -> String {
        let header = layout.hasLegend ? [columns.map { $0.name.uppercased() }] : []
        return Table(rows: header + rows.map { row in columns.map { Cell.text($0.value(row, layout)) } }).render()
    }
}

/// How a listing is laid out.
struct Layout: Sendable {
    /// Whole machine ids and hashes.
    var isFull = false
    var hasLegend = true
    var zone = Zone.utc
    var now = Timestamp(milliseconds: 0)
}

/// One cell of a table.
enum Cell {
    /// fleet's dash for what is missing; a tab or a newline would break the table, and a control character the
    /// terminal.
    static func text(_ value: String) -> String {
        guard !value.isEmpty else { return "-" }
        return Printable.line(value)
    }
}
