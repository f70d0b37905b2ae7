package import UnitFile

/// A Quadlet file together with the files that its generator needs beside it, as an assignment carries them.
package struct QuadletBundle: Hashable, Sendable, Codable {
    package var source: QuadletName
    /// Every file that the source refers to, and those that these refer to, with the text that is stored now.
    package var companions: [QuadletName: ContentHash]
    /// Stands for the source's `Image=`, which it is with a digest; absent where that is not pinned.
    package var image: String?

    package init(source: QuadletName, companions: [QuadletName: ContentHash] = [:], image: String? = nil) {
        self.source = source
        self.companions = companions
        self.image = image
    }

    /// The companions and the source itself, which has this text.
    package func files(with file: ContentHash) -> [QuadletName: ContentHash] {
        companions.merging([source: file]) { $1 }
    }
}
