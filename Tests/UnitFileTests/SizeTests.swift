import Testing
import UnitFile

/// Large inputs are read in one pass. A parser that copies or rescans per line would need minutes for these, so a time
/// limit is the test.
@Suite struct SizeTests {
    @Test(.timeLimit(.minutes(1))) func oneLineOfOneMebibyte() throws {
        let value = String(repeating: "x", count: ParsedUnitFile.maximumLineBytes - 2)
        let file = try ParsedUnitFile.parse("[S]\nK=\(value)\n")
        #expect(file.lastValue(section: "S", key: "K")?.utf8.count == value.utf8.count)
    }

    @Test func oneByteMoreIsRefused() {
        let value = String(repeating: "x", count: ParsedUnitFile.maximumLineBytes - 1)
        let error = #expect(throws: UnitFileError.self) { try ParsedUnitFile.parse("[S]\nK=\(value)\n") }
        #expect(error?.line == 2)
        #expect(error?.message.contains("1048576 bytes") == true)
    }

    @Test func continuationsCountAsOneLine() {
        let piece = String(repeating: "x", count: 1023) + "\\\n"
        let error = #expect(throws: UnitFileError.self) {
            try ParsedUnitFile.parse("[S]\nK=" + String(repeating: piece, count: 1024) + "\nL=1\n")
        }
        #expect(error?.line == 2)
    }

    @Test(
        .timeLimit(.minutes(1)),
        arguments: ["K=v\n", "\n", "# c\n", "[S]\n", "K=\\\n", "\\\n", "K=v\r\n", "\r", "K=\\\\\\\\\\\\\\\n"]
    )
    func manyLines(_ line: String) throws {
        let count = (ParsedUnitFile.maximumLineBytes / 4 - 8) / line.utf8.count
        let file = try ParsedUnitFile.parse("[S]\nA=b\n" + String(repeating: line, count: count))
        #expect(!file.sections.isEmpty)
        #expect(file.values(section: "S", key: "A") == ["b"])
    }

    @Test func largestFile() throws {
        let header = "[S]\n"
        let line = String(repeating: "#", count: 1023) + "\n"
        let most = header + String(repeating: line, count: ParsedUnitFile.maximumBytes / 1024 - 1)
        let fill = String(repeating: "\n", count: ParsedUnitFile.maximumBytes - most.utf8.count)
        #expect(try ParsedUnitFile.parse(most + fill).text.utf8.count == ParsedUnitFile.maximumBytes)
        for parse in [
            { try ParsedUnitFile.parse(most + fill + "\n", path: "big.service") },
            { try ParsedUnitFile.parse(bytes: Array((most + fill + "\n").utf8), path: "big.service") },
        ] {
            let error = #expect(throws: UnitFileError.self) { try parse() }
            #expect(error?.description.hasPrefix("big.service: the file has 1310721 bytes") == true)
        }
    }
}
