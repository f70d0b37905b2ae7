import FleetAPI
import FleetModel
import FoundationEssentials
import UnitFile

/// What `config` and `secret` have in common.
struct CredentialActions {
    let kind: CredentialKind
    let client: APIClient
    let context: Context

    func set(_ words: [String]) throws {
        guard words.count == 2 else { throw Failure.usage("\(kind.rawValue) set needs a NAME, and a FILE or -") }
        let name = try name(words[0])
        let content = try CredentialFile.read(words[1], kind: kind, input: context.input)
        let report = try client.setCredential(CredentialID(kind, name), to: content)
        guard report.changed else { return context.console.print("\(name) is so already") }
        context.console.print("Set \(kind.rawValue) \(name), \(content.count) bytes")
        for (word, units) in [("Restarts", report.restarted), ("Reloads", report.reloaded ?? [])] where !units.isEmpty {
            context.console.print("\(word) " + units.map(\.description).joined(separator: ", "))
        }
    }

    func list(_ options: ListOptions) throws {
        let columns = try CredentialTable.listing(kind).columns(of: options.fields)
        let listing = try client.credentials(kind)
        if options.json { return context.console.print(try JSONText.document(listing)) }
        context.console.write(
            CredentialTable.listing(kind).render(listing.rows, columns: columns, layout: options.layout(in: context))
        )
    }

    func remove(_ words: [String]) throws {
        guard !words.isEmpty else { throw Failure.usage("\(kind.rawValue) remove needs a NAME") }
        for name in try words.map(name) {
            try client.removeCredential(CredentialID(kind, name))
            context.console.print("Removed \(kind.rawValue) \(name)")
        }
    }

    func name(_ text: String) throws(Failure) -> CredentialName {
        guard let name = CredentialName(text) else {
            throw .usage("\"\(text.printable(limit: 40))\" is not a name: \(CredentialName.rule)")
        }
        return name
    }
}

/// The table of `config list` and `secret list`.
enum CredentialTable {
    static func listing(_ kind: CredentialKind) -> Listing<CredentialListing.Row> {
        Listing(
            standard: ["name", "size", "set", "by", "usedby"],
            columns: [
                .init("name") { row, _ in row.name.description },
                .init("size") { row, _ in String(row.size) },
                .init("set") { row, layout in layout.zone.full(row.set.at) },
                .init("by") { row, _ in row.set.by },
                .init("usedby") { row, _ in row.usedBy.map(\.description).joined(separator: ",") },
            ] + (kind == .secret ? [.init("key") { row, _ in row.key?.description ?? "" }] : [])
        )
    }
}

/// A line of the file with the keys for secrets.
enum SecretKeyLine {
    /// A new key, from the kernel's random numbers (getrandom(2)).
    static func new() -> String {
        var generator = SystemRandomNumberGenerator()
        return text(of: (0..<SecretKeyID.keyBytes).map { _ in UInt8.random(in: .min ... .max, using: &generator) })
    }

    static func text(of key: [UInt8]) -> String {
        "\(SecretKeyID(ofKey: key)):\(Data(key).base64EncodedString())"
    }
}
