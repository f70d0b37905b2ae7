import FleetModel
import FleetRuntime
import FoundationEssentials
import SecretKeys
import Testing

/// What every `SecretBox` promises, and what this one demands of its file.
struct FileSecretBoxTests {
    private static let name = "db-password"

    /// A folder of its own, removed with the value.
    private final class Folder {
        let path: String

        init() throws {
            path = FileManager.default.temporaryDirectory.path + "/fleet-keys-" + UUID().uuidString
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        }

        deinit { try? FileManager.default.removeItem(atPath: path) }

        var file: String { path + "/secret.keys" }

        func write(_ lines: [String], mode: Int = 0o600) throws {
            try Data(lines.map { $0 + "\n" }.joined().utf8).write(to: URL(filePath: file))
            try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: file)
        }
    }

    private static func line(_ byte: UInt8) -> String {
        let key = [UInt8](repeating: byte, count: SecretKeyID.keyBytes)
        return "\(SecretKeyID(ofKey: key)):\(Data(key).base64EncodedString())"
    }

    private static func id(_ byte: UInt8) -> SecretKeyID {
        SecretKeyID(ofKey: [UInt8](repeating: byte, count: SecretKeyID.keyBytes))
    }

    private func name(_ text: String = FileSecretBoxTests.name) throws -> CredentialName {
        try #require(CredentialName(text))
    }

    @Test(arguments: [0, 1, 512 << 10]) func whatWasSealedOpens(size: Int) throws {
        let folder = try Folder()
        try folder.write([Self.line(1)])
        let box = FileSecretBox(path: folder.file)
        let content = (0..<size).map { UInt8(truncatingIfNeeded: $0) }
        let sealed = try box.seal(content, for: name())
        #expect(sealed.key == Self.id(1))
        #expect(sealed.bytes.count == size + 28)
        #expect(try box.open(sealed, for: name()) == content)
    }

    @Test func theSameContentIsNeverSealedAlike() throws {
        let folder = try Folder()
        try folder.write([Self.line(1)])
        let box = FileSecretBox(path: folder.file)
        let content = Array("a canary".utf8)
        let first = try box.seal(content, for: name())
        #expect(try box.seal(content, for: name()) != first)
        #expect(!String(decoding: first.bytes, as: UTF8.self).contains("canary"))
    }

    @Test func nothingElseOpens() throws {
        let folder = try Folder()
        try folder.write([Self.line(1), Self.line(2)])
        let box = FileSecretBox(path: folder.file)
        let sealed = try box.seal(Array("a canary".utf8), for: name())
        for place in [0, 11, 12, sealed.bytes.count - 17, sealed.bytes.count - 1] {
            var bad = sealed
            bad.bytes[place] ^= 1
            #expect(throws: SecretBoxError.self) { try box.open(bad, for: name()) }
        }
        for count in [0, 12, 27, sealed.bytes.count - 1] {
            let short = SealedSecret(key: sealed.key, bytes: Array(sealed.bytes.prefix(count)))
            #expect(throws: SecretBoxError.self) { try box.open(short, for: name()) }
        }
        let other = try name("other")
        #expect(throws: SecretBoxError.self) { try box.open(sealed, for: other) }
        let underOther = SealedSecret(key: Self.id(2), bytes: sealed.bytes)
        #expect(throws: SecretBoxError.self) { try box.open(underOther, for: name()) }
        let underUnknown = SealedSecret(key: Self.id(3), bytes: sealed.bytes)
        let error = #expect(throws: SecretBoxError.self) { try box.open(underUnknown, for: name()) }
        #expect(error?.code == .noKey)
    }

    @Test func theFirstKeySealsAndAllOpen() throws {
        let folder = try Folder()
        try folder.write([Self.line(1)])
        let box = FileSecretBox(path: folder.file)
        let old = try box.seal([7], for: name())
        try folder.write(["# since today", Self.line(2), "", Self.line(1)])
        #expect(try box.keys() == [Self.id(2), Self.id(1)])
        #expect(try box.seal([8], for: name()).key == Self.id(2))
        #expect(try box.open(old, for: name()) == [7])
    }

    @Test(arguments: [0o640, 0o604, 0o622]) func aFileThatOthersCanUseIsNotUsed(mode: Int) throws {
        let folder = try Folder()
        try folder.write([Self.line(1)], mode: mode)
        let box = FileSecretBox(path: folder.file)
        let error = #expect(throws: SecretBoxError.self) { try box.seal([1], for: name()) }
        #expect(error?.code == .badFile)
    }

    @Test(arguments: ["abc", "01234567:AAAA", "zz:zz"]) func aBadLineIsNamedAndNotShown(line: String) throws {
        let folder = try Folder()
        try folder.write([Self.line(1), line])
        let error = #expect(throws: SecretBoxError.self) { try FileSecretBox(path: folder.file).keys() }
        #expect(error?.message.hasPrefix("\(folder.file):2: ") == true)
        #expect(error?.message.contains(line + " ") == false)
    }

    @Test func aKeyUnderAnotherIDIsFound() throws {
        let folder = try Folder()
        try folder.write(["00000000:" + Self.line(1).dropFirst(9)])
        let error = #expect(throws: SecretBoxError.self) { try FileSecretBox(path: folder.file).keys() }
        #expect(error?.code == .badFile)
    }

    @Test func withoutAFileThereIsNoKey() throws {
        let folder = try Folder()
        let box = FileSecretBox(path: folder.file)
        #expect(try box.keys() == [])
        let error = #expect(throws: SecretBoxError.self) { try box.seal([1], for: name()) }
        #expect(error?.code == .noKey)
        #expect(error?.message.contains("fleetctl secret key new") == true)
    }

    @Test func oneMachineMakesItsKeyOnce() throws {
        let folder = try Folder()
        let made = folder.path + "/made.keys"
        let box = FileSecretBox(path: folder.file, made: made)
        let first = try box.seal([1], for: name())
        #expect(try box.keys() == [first.key])
        #expect(try box.seal([1], for: name()).key == first.key)
        let mode = try FileManager.default.attributesOfItem(atPath: made)[.posixPermissions] as? Int
        #expect(mode == 0o600)
        // The operator's file comes first, and hides nothing.
        try folder.write([Self.line(1)])
        #expect(try box.keys() == [Self.id(1), first.key])
        #expect(try box.seal([1], for: name()).key == Self.id(1))
        #expect(try box.open(first, for: name()) == [1])
    }

    @Test func theKeyThatWasMadeGoesAlongToAnotherRegistry() throws {
        let folder = try Folder()
        let made = folder.path + "/made.keys"
        let shared = FileSecretBox(path: folder.file, made: made, mayMake: false)
        #expect(throws: SecretBoxError.self) { try shared.seal([1], for: name()) }
        #expect(!FileManager.default.fileExists(atPath: made))
        let sealed = try FileSecretBox(path: folder.file, made: made).seal([1], for: name())
        #expect(try shared.keys() == [sealed.key])
        #expect(try shared.open(sealed, for: name()) == [1])
    }
}
