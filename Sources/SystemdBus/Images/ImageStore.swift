import CSystemd
import FleetModel
import FoundationEssentials
import Glibc
import Synchronization

/// What podman keeps of its images' names, read from its own file: asking podman takes 50 ms of processor time, and a
/// machine may start many containers at once. The file is replaced in one step whenever an image comes or goes
/// (containers/storage, `images.json`).
final class ImageStore: Sendable {
    private let root: String
    private let read = Mutex<Reading?>(nil)

    private struct Reading {
        var path: String
        var stamp: [Int]
        var names: Set<ImageName>
    }

    /// As far as it is of interest.
    private struct Image: Decodable {
        var names: [String]?
        var digest: String?
        var digests: [String: String]?

        enum CodingKeys: String, CodingKey {
            case names, digest
            case digests = "big-data-digests"
        }
    }

    /// `root` is the folder of podman's storage on this machine.
    init(root: String) { self.root = root }

    /// Every name that an image here has, those with digests included; nil when podman keeps its images elsewhere, or
    /// has none yet.
    func names() async -> Set<ImageName>? {
        // Many containers that start together ask the same, and one file's stamp needs no thread.
        if let reading = read.withLock({ $0 }), reading.stamp == Self.stamp(of: reading.path) { return reading.names }
        return await OwnThread.run { self.readNames() }
    }

    private static func stamp(of path: String) -> [Int]? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        return [Int(status.st_ino), Int(status.st_size), status.st_mtim.tv_sec, status.st_mtim.tv_nsec]
    }

    private func readNames() -> Set<ImageName>? {
        guard let folder = Disk.names(in: root)?.filter({ $0.hasSuffix("-images") }).sorted().first else { return nil }
        let path = "\(root)/\(folder)/images.json"
        guard let stamp = Self.stamp(of: path), let bytes = try? Disk.read(path), let names = Self.names(in: bytes)
        else { return nil }
        read.withLock { $0 = Reading(path: path, stamp: stamp, names: names) }
        return names
    }

    /// nil when the bytes are not what is expected: then podman is asked.
    static func names(in bytes: [UInt8]) -> Set<ImageName>? {
        guard let images = try? JSONDecoder().decode([Image].self, from: Data(bytes)) else { return nil }
        var found: Set<ImageName> = []
        for image in images {
            let names = (image.names ?? []).compactMap { ImageName($0) }
            found.formUnion(names)
            // An image that was fetched by its tag is there for whoever asks for its digest too: its own manifest's,
            // and that of the list it was chosen from (`manifest-sha256:...`).
            var digests = Set([image.digest].compactMap(\.self))
            for (name, digest) in image.digests ?? [:] where name.hasPrefix("manifest") { digests.insert(digest) }
            for digest in digests where ImageName.isDigest(digest) {
                found.formUnion(names.map { $0.pinned(to: digest) })
            }
        }
        return found
    }
}
