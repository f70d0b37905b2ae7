import FoundationEssentials
package import UnitFile

/// Stored at `blobs/SHA256`: bytes of any kind in base64, because all that the registry keeps is text.
package struct StoredBlob: Hashable, Sendable, Codable {
    private var data: Data

    package init(_ bytes: [UInt8]) { data = Data(bytes) }

    package var bytes: [UInt8] { Array(data) }

    /// What the bytes have to be stored under.
    package var hash: ContentHash { ContentHash(of: bytes) }
}
