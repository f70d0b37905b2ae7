/// A seeded source of random numbers (SplitMix64), so that a failing case can be made again from its seed.
struct Seeded: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

/// A unit file made line by line, with what a reader has to find in it.
struct GeneratedFile {
    var text = ""
    /// `section/key=value@line` in order.
    var options: [String] = []
    private var line = 1

    init(seed: UInt64) {
        var random = Seeded(seed)
        let end = ["\n", "\n", "\r\n", "\r"].randomElement(using: &random) ?? "\n"
        var section: String?
        for _ in 0..<Int.random(in: 0...20, using: &random) {
            switch Int.random(in: 0..<10, using: &random) {
            case 0: add("", end)
            case 1:
                add(["# ", ";", "  #", "\t; "].randomElement(using: &random).map { $0 + word(&random) } ?? "#", end)
            case 2, 3:
                let name =
                    ["Unit", "Service", "X-Fleet", "X-Ünïcode", "Install"].randomElement(using: &random) ?? "Unit"
                section = name
                add(space(&random) + "[\(name)]" + space(&random), end)
            default:
                guard let section else { continue }
                addOption(section, end, &random)
            }
        }
        if Bool.random(using: &random), text.hasSuffix(end) { text.unicodeScalars.removeLast(end.unicodeScalars.count) }
    }

    private mutating func addOption(_ section: String, _ end: String, _ random: inout Seeded) {
        let start = line
        let key = "K" + String(Int.random(in: 0..<5, using: &random))
        var value = Bool.random(using: &random) ? word(&random) : ""
        var pieces = space(&random) + key + space(&random) + "=" + space(&random) + value
        for _ in 0..<Int.random(in: 0..<3, using: &random) where !value.isEmpty {
            add(pieces + "\\", end)
            for _ in 0..<Int.random(in: 0..<2, using: &random) { add(" # " + word(&random) + "\\", end) }
            pieces = "x" + word(&random)
            value += " " + pieces
        }
        add(pieces + space(&random), end)
        options.append("\(section)/\(key)=\(value)@\(start)")
    }

    private mutating func add(_ content: String, _ end: String) {
        text += content + end
        line += 1
    }

    private func space(_ random: inout Seeded) -> String {
        ["", "", " ", "\t", "  "].randomElement(using: &random) ?? ""
    }

    private func word(_ random: inout Seeded) -> String {
        let words = [
            "a", "web.service", "%i", "\"q r\"", "日本", "e\u{301}", "\\x20", "\\\\", "=", "[x]", "k=v", "#", ";",
        ]
        return (0...Int.random(in: 0...3, using: &random)).map { _ in words.randomElement(using: &random) ?? "" }
            .joined(
                separator: " "
            )
    }
}
