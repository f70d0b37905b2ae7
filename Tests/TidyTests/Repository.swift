import FoundationEssentials

/// The repository this test was built in.
enum Repository {
    static let top: String = {
        let parts = #filePath.split(separator: "/").dropLast(3)
        return "/" + parts.joined(separator: "/")
    }()

    static func text(_ path: String) -> String {
        FileManager.default.contents(atPath: "\(top)/\(path)").map { String(decoding: $0, as: UTF8.self) } ?? ""
    }

    /// Every Swift file under Sources and Tests, generated ones apart, sorted.
    static let swiftFiles: [SourceText] = ["Sources", "Tests"].flatMap { files(under: $0) }
        .filter { $0.hasSuffix(".swift") }
        .map { SourceText(path: $0, text: text($0)) }
        .filter { !$0.isGenerated }

    static func files(under folder: String) -> [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "\(top)/\(folder)")) ?? []
        return names.sorted().flatMap { name -> [String] in
            let path = "\(folder)/\(name)"
            var isDirectory = false
            _ = FileManager.default.fileExists(atPath: "\(top)/\(path)", isDirectory: &isDirectory)
            return isDirectory ? files(under: path) : [path]
        }
    }

    static func folders(in folder: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: "\(top)/\(folder)")) ?? []).sorted()
    }
}
