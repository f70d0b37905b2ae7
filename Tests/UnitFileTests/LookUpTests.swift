import Testing
import UnitFile

@Suite struct LookUpTests {
    @Test(
        arguments: [
            ("", []),
            ("[S]\nK=a\n", ["a"]),
            ("[S]\nK=a\nK=b\n", ["a", "b"]),
            ("[S]\nK=a\nK=\nK=b\n", ["b"]),
            ("[S]\nK=a\nK=\n", []),
            ("[S]\nK=a\n[T]\nK=x\n[S]\nK=b\n", ["a", "b"]),
            ("[S]\nK=a\n[T]\nK=\n[S]\nK=b\n", ["a", "b"]),
            ("[S]\nk=a\nK=b\n", ["b"]),
            ("[s]\nK=a\n", []),
        ] as [(String, [String])]
    )
    func lists(_ text: String, _ expected: [String]) throws {
        let file = try ParsedUnitFile.parse(text)
        #expect(file.values(section: "S", key: "K") == expected)
        #expect(file.lastValue(section: "S", key: "K") == expected.last)
    }

    @Test func optionsKeepEmptyAssignments() throws {
        let file = try ParsedUnitFile.parse("[S]\nK=a\nK=\nK=b\n")
        #expect(file.options(section: "S", key: "K").map(\.value) == ["a", "", "b"])
        #expect(file.options(section: "S", key: "K").map(\.line) == [2, 3, 4])
    }

    @Test func valuesHaveTheirColumn() throws {
        let file = try ParsedUnitFile.parse("[S]\n  Ä =  b\nC=\\\n d\nE=\n")
        #expect(file.sections[0].options.map(\.valueColumn) == [8, 1, 3])
    }

    @Test func headline() throws {
        let file = try ParsedUnitFile.parse("[Unit]\nDescription=A web\n[Service]\nDescription=no\n[Install]\n")
        #expect(file.description == "A web")
        #expect(file.hasInstallSection)
        #expect(file.hasSection("Service"))
        let bare = try ParsedUnitFile.parse("[Unit]\nDescription=\n")
        #expect(bare.description == nil)
        #expect(!bare.hasInstallSection)
    }
}
