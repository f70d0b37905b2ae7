import FleetModel
import FleetRegistry
import FleetRuntime
import Foundation
import SQLiteStore
import Testing

/// A damaged file ends in a message that says what to do; never in a crash, never in an empty registry.
@Suite(.timeLimit(.minutes(2)))
struct DamageTests {
    private struct Damage: Sendable {
        let name: String
        let apply: @Sendable (inout Data) -> Void
    }

    private static let damages: [Damage] = [
        Damage(name: "a file of no bytes") { $0 = Data() },
        Damage(name: "a file of zeros") { $0 = Data(count: $0.count) },
        Damage(name: "some other text") { $0 = Data("[Service]\nExecStart=/bin/true\n".utf8) },
        Damage(name: "cut to 100 bytes") { $0 = $0.prefix(100) },
        Damage(name: "cut in the middle") { $0 = $0.prefix($0.count / 2) },
        Damage(name: "the last page is missing") { $0 = $0.prefix($0.count - 4096) },
        Damage(name: "the first bytes are gone") { $0.replaceSubrange(0..<16, with: Data(count: 16)) },
        Damage(name: "the first page is gone") { $0.replaceSubrange(100..<4096, with: Data(count: 3996)) },
        Damage(name: "middle pages of ones") { data in
            let start = data.count / 8192 * 4096
            data.replaceSubrange(start..<start + 8192, with: Data(repeating: 0xff, count: 8192))
        },
        Damage(name: "every page but the first of zeros") {
            $0.replaceSubrange(4096..., with: Data(count: $0.count - 4096))
        },
    ]

    /// The bytes of a closed registry with 80 entries.
    private func registry(_ directory: String) async throws -> Data {
        let store = try await SQLiteStore.open(path: directory + "/model.db", logger: quiet)
        for number in 0..<80 {
            let value = [UInt8](repeating: UInt8(number % 256), count: number * 37 % 1500)
            _ = await store.commit(.put(Key("units/\(number)"), value, lease: nil))
        }
        await store.close()
        return try Data(contentsOf: URL(fileURLWithPath: directory + "/model.db"))
    }

    @Test
    func `each kind of damage is named and nothing is made of it`() async throws {
        try await withDirectory { directory in
            let whole = try await registry(directory)
            let path = directory + "/registry.db"
            for damage in Self.damages {
                var data = whole
                damage.apply(&data)
                try data.write(to: URL(fileURLWithPath: path))
                let error = await #expect(throws: StoreError.self, "\(damage.name)") {
                    try await SQLiteStore.open(path: path, logger: quiet)
                }
                #expect(error?.code == .corrupt, "\(damage.name): \(error?.message ?? "")")
                #expect(error?.message.contains("move '\(path)' and '\(path)-wal' away") == true, "\(damage.name)")
                #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == data, "\(damage.name)")
                try? FileManager.default.removeItem(atPath: path + "-wal")
                try? FileManager.default.removeItem(atPath: path + "-shm")
            }
            try FileManager.default.removeItem(atPath: path)
            #expect(FileManager.default.createFile(atPath: path + "-wal", contents: Data(count: 32)))
            let code = await errorCode { _ = try await SQLiteStore.open(path: path, logger: quiet) }
            #expect(code == .corrupt, "the log without the file")
            #expect(!FileManager.default.fileExists(atPath: path))
        }
    }

    @Test
    func `random damage never ends in a crash`() async throws {
        try await withDirectory { directory in
            let whole = try await registry(directory)
            var random = SeededGenerator(seed: 7)
            var found = 0
            for round in 1...80 {
                var data = whole
                for _ in 0..<Int.random(in: 1...8, using: &random) {
                    // Half of the damage hits where a page keeps its structure, not only the values.
                    let page = Int.random(in: 0..<(data.count / 4096 - 1), using: &random) * 4096
                    let isStructure = Bool.random(using: &random)
                    let start = page + Int.random(in: 0..<(isStructure ? 100 : 4032), using: &random)
                    for offset in 0..<Int.random(in: 1...64, using: &random) {
                        data[start + offset] = UInt8.random(in: 0...255, using: &random)
                    }
                }
                let path = directory + "/registry.db"
                for ending in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: path + ending) }
                try data.write(to: URL(fileURLWithPath: path))
                do {
                    let store = try await SQLiteStore.open(path: path, logger: quiet)
                    _ = try? await store.range(.prefix(""), limit: 0)
                    _ = await store.commit(put("units/1", "new"), deleteAll("units/2"))
                    _ = try? await store.range(.prefix("units/"), limit: 10)
                    await store.close()
                } catch let error as StoreError {
                    #expect([.corrupt, .invalid, .newerFormat].contains(error.code), "\(round): \(error)")
                    found += 1
                }
            }
            #expect(found > 20, "the damage was too gentle to mean anything")
        }
    }

    @Test
    func `a damaged log gives an older state, whole`() async throws {
        try await withDirectory { directory in
            let path = directory + "/model.db"
            let store = try await SQLiteStore.open(path: path, logger: quiet)
            let total = 60
            for number in 1...total {
                let filler = String(repeating: "x", count: number * 97 % 3000)
                try await store.change(put("a", "\(number)"), put("fill/\(number % 7)", filler), put("b", "\(number)"))
            }
            let file = try Data(contentsOf: URL(fileURLWithPath: path))
            let log = try Data(contentsOf: URL(fileURLWithPath: path + "-wal"))
            await store.close()
            var random = SeededGenerator(seed: 3)
            var seen: Set<Int> = []
            for round in 0...40 {
                var damaged = log
                if round > 0 {
                    let point = Int.random(in: 0..<log.count, using: &random)
                    if round.isMultiple(of: 2) { damaged = log.prefix(point) } else { damaged[point] ^= 0x55 }
                }
                let copy = directory + "/copy-\(round).db"
                try file.write(to: URL(fileURLWithPath: copy))
                try damaged.write(to: URL(fileURLWithPath: copy + "-wal"))
                let again = try await SQLiteStore.open(path: copy, logger: quiet)
                let values = try await (again.list("a") + again.list("b")).map { Int($0.dropFirst(2)) ?? -1 }
                #expect(Set(values).count <= 1, "round \(round): \(values)")
                let newest = try await again.newest()
                #expect(newest.number == Int64(values.first ?? 0), "round \(round)")
                if round == 0 { #expect(values == [total, total]) }
                seen.insert(values.first ?? 0)
                await again.close()
            }
            #expect(seen.count > 8, "the damage was too gentle to mean anything")
        }
    }
}
