import Glibc
import SystemdBus
import Testing
import UnitFile

@Suite struct FileLedgerTests {
    @Test func keepsReplacesForgets() throws {
        var template = Array("/tmp/fleet-ledger-XXXXXX".utf8CString)
        let made = template.withUnsafeMutableBufferPointer { buffer in buffer.baseAddress.flatMap { mkdtemp($0) } }
        let root = String(cString: try #require(made))
        let folder = root + "/run/ledger"
        defer {
            for path in [folder, root + "/run", root] { rmdir(path) }
        }
        let ledger = FileLedger(folder: folder)
        #expect(try ledger.values().isEmpty)
        let web = try UnitName("web.service")
        let longest = try UnitName(String(repeating: "a", count: UnitName.maximumLength - 8) + ".service")
        try ledger.keep(Array("one".utf8), of: web)
        try ledger.keep(Array(repeating: 7, count: 10_000), of: longest)
        try ledger.keep(Array("two".utf8), of: web)
        // What a killed writer leaves is not an entry.
        let draft = open(folder + "/.draft", O_WRONLY | O_CREAT, 0o600)
        close(draft)
        let again = FileLedger(folder: folder)
        #expect(try again.values() == [web: Array("two".utf8), longest: Array(repeating: 7, count: 10_000)])
        try again.keep(nil, of: web)
        try again.keep(nil, of: web)
        #expect(try again.values().keys.sorted() == [longest])
        try again.keep(nil, of: longest)
        unlink(folder + "/.draft")
    }

    /// One that cannot be written keeps no other from being written.
    @Test func theDurableOneTriesAll() async throws {
        var template = Array("/tmp/fleet-ledger-XXXXXX".utf8CString)
        let made = template.withUnsafeMutableBufferPointer { buffer in buffer.baseAddress.flatMap { mkdtemp($0) } }
        let folder = String(cString: try #require(made))
        defer { rmdir(folder) }
        let ledger = DurableFileLedger(folder: folder)
        let (a, b) = (try UnitName("a.service"), try UnitName("b.service"))
        // A folder in the place of the file.
        mkdir(folder + "/a.service", 0o700)
        await #expect(throws: SystemdBusError.self) { try await ledger.keep([a: [1], b: [2]]) }
        rmdir(folder + "/a.service")
        #expect(try await ledger.values() == [b: [2]])
        try await ledger.keep([a: [1], b: nil])
        #expect(try await ledger.values() == [a: [1]])
        try await ledger.keep([a: nil])
    }

    @Test func saysWhatCannotBeWritten() throws {
        let ledger = FileLedger(folder: "/proc/nothing/here")
        #expect(throws: SystemdBusError.self) { try ledger.keep([1], of: try UnitName("a.service")) }
    }
}
