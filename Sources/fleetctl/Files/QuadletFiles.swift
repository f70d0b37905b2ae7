import FleetAPI
import FleetModel
import UnitFile

/// Quadlet files on this machine's disk, with those that lie beside them.
enum QuadletFiles {
    /// Like `UnitArgument.reference`.
    static func reference(_ source: QuadletName, _ path: String) throws(Failure) -> UnitReference {
        var reference = UnitReference(name: source.standardService, source: source)
        if let file = try LocalFile.read(path) {
            reference.name = try check(source, file)
            reference.text = file.text
            reference.path = file.path
            let names = [source.description, source.template?.description, source.kind.rawValue]
            try DropIns.refuse(beside: path, of: names.compactMap(\.self))
        }
        if let template = source.template, let file = try LocalFile.read(sibling(of: path, template)) {
            _ = try check(template, file)
            reference.template = file.text
            reference.path = reference.path ?? file.path
        }
        return reference
    }

    /// The files that these need beside them and that lie there, each once; what does not may be stored already.
    static func companions(of units: [UnitReference]) throws(Failure) -> [UnitReference] {
        var known = Set(units.compactMap(\.source))
        var open = units
        var found: [UnitReference] = []
        while let unit = open.popLast() {
            guard let source = unit.source, let text = unit.text ?? unit.template, let path = unit.path,
                let file = try? ParsedUnitFile.parse(text)
            else { continue }
            for name in QuadletFacts(of: source.kind, file).references where known.insert(name).inserted {
                var companion = try reference(name, sibling(of: path, name))
                guard companion.text != nil || companion.template != nil else { continue }
                companion.isCompanion = true
                found.append(companion)
                open.append(companion)
            }
        }
        return found.sorted { $0.name < $1.name }
    }

    /// The places that name a file which does not lie beside this one, in sentences.
    static func absent(beside source: QuadletName, _ file: LocalFile) throws(Failure) -> [String] {
        guard let parsed = try? ParsedUnitFile.parse(file.text, path: file.path) else { return [] }
        var found: [String] = []
        for reference in parsed.references(of: source.kind) {
            guard let name = try? QuadletName(reference.text) else { continue }
            guard try LocalFile.read(sibling(of: file.path, name)) == nil else { continue }
            if let template = name.template, try LocalFile.read(sibling(of: file.path, template)) != nil { continue }
            let message =
                "\(reference.key)= names \(name), which does not lie beside this file: it must be stored already"
            found.append(parsed.error(at: reference.option, message).description)
        }
        return found
    }

    /// The service that the file becomes; throws for a file with errors.
    static func check(_ source: QuadletName, _ file: LocalFile) throws(Failure) -> UnitName {
        do throws(UnitFileError) {
            let name = try source.service(try ParsedUnitFile.parse(file.text, path: file.path))
            _ = try UnitValidation.validate(name: name, source: source, text: file.text, path: file.path)
            return name
        } catch {
            throw Failure(error.description)
        }
    }

    private static func sibling(of path: String, _ name: QuadletName) -> String {
        guard let slash = path.lastIndex(of: "/") else { return name.description }
        return path[...slash] + name.description
    }
}
