import FoundationEssentials

/// Drop-ins that lie beside a unit file (`web.service.d/more.conf`). A file is sent and stored as one text, so what
/// they say would be lost on the way without a word.
enum DropIns {
    /// Throws when one of `names` has a folder with drop-ins beside the file at `path`.
    static func refuse(beside path: String, of names: [String]) throws(Failure) {
        let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
        for name in names {
            let place = folder + name + ".d"
            let entries = try? FileManager.default.contentsOfDirectory(atPath: place)
            guard let first = entries?.filter({ $0.hasSuffix(".conf") }).min() else { continue }
            throw Failure("\(place)/\(first) belongs to \(path) and is not sent with it: merge it into the file")
        }
    }
}
