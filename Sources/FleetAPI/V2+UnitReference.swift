import FleetModel
package import UnitFile

/// A unit that a request names, with the local file's text if the client has one. In JSON `name` may be that of a
/// Quadlet file too.
package struct UnitReference: Hashable, Sendable {
    /// For a Quadlet file: what its text makes it, or what it would be without one.
    package var name: UnitName
    /// The Quadlet file that is meant.
    package var source: QuadletName?
    /// The text of a local file of this name.
    package var text: String?
    /// For an instance: the text of a local file of its template.
    package var template: String?
    /// The path of the local file, for messages.
    package var path: String?
    /// It is sent because another one needs it beside it: stored, and nothing else is done with it.
    package var isCompanion = false

    package init(
        name: UnitName,
        source: QuadletName? = nil,
        text: String? = nil,
        template: String? = nil,
        path: String? = nil
    ) {
        self.name = name
        self.source = source
        self.text = text
        self.template = template
        self.path = path
    }
}

extension UnitReference: Codable {
    private enum CodingKeys: String, CodingKey {
        case name, text, template, path, companion
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let text = try container.decodeIfPresent(String.self, forKey: .text)
        let template = try container.decodeIfPresent(String.self, forKey: .template)
        let path = try container.decodeIfPresent(String.self, forKey: .path)
        if QuadletKind(ofFile: try container.decode(String.self, forKey: .name)) != nil {
            let source = try container.decode(QuadletName.self, forKey: .name)
            let name = Self.service(source, text ?? template)
            self.init(name: name, source: source, text: text, template: template, path: path)
        } else {
            let name = try container.decode(UnitName.self, forKey: .name)
            self.init(name: name, text: text, template: template, path: path)
        }
        isCompanion = try container.decodeIfPresent(Bool.self, forKey: .companion) ?? false
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        if let source {
            try container.encode(source, forKey: .name)
        } else {
            try container.encode(name, forKey: .name)
        }
        try container.encodeIfPresent(text, forKey: .text)
        try container.encodeIfPresent(template, forKey: .template)
        try container.encodeIfPresent(path, forKey: .path)
        if isCompanion { try container.encode(true, forKey: .companion) }
    }

    /// A text with errors is found out when it is checked.
    private static func service(_ source: QuadletName, _ text: String?) -> UnitName {
        guard let text, let file = try? ParsedUnitFile.parse(text), let service = try? source.service(file) else {
            return source.standardService
        }
        return service
    }
}
