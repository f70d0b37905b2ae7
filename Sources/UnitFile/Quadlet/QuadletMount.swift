/// `Mount=type=volume,source=data.volume,target=/data` of a `.container` file, as far as it says what is mounted.
package struct QuadletMount: Hashable, Sendable {
    /// Quadlet takes a mount without a type for a volume.
    package var type = "volume"
    package var source: String?

    package init(_ value: String) {
        for part in value.split(separator: ",") {
            let pair = part.split(separator: "=", maxSplits: 1).map(String.init)
            guard pair.count == 2 else { continue }
            switch pair[0] {
            case "type": type = pair[1]
            case "source", "src": source = pair[1]
            default: continue
            }
        }
    }
}
