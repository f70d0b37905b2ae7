import FleetAPI
import UnitFile

/// A unit as the user names it on the command line: a name, a name without its type, or the path of a file.
struct UnitArgument: Hashable, Sendable {
    var name: UnitName
    /// The Quadlet file that is named.
    var source: QuadletName?
    /// The argument with the type added: where a local file would be.
    var path: String

    /// Only the base name counts; `.service` is added to a name without a unit type. Throws a usage `Failure`.
    init(_ argument: String) throws(Failure) {
        let base = UnitName.baseName(of: argument)
        guard !argument.isEmpty, !argument.hasSuffix("/") else {
            throw .usage("\"\(argument.printable())\" is not the name of a unit")
        }
        guard !base.hasSuffix(".artifact") else {
            throw .usage(
                "\(argument.printable()): fleet takes no .artifact files; a .image file, or podman on the machines, pulls "
                    + "what a unit needs"
            )
        }
        do {
            if QuadletKind(ofFile: base) != nil {
                let quadlet = try QuadletName(base)
                (source, name, path) = (quadlet, quadlet.standardService, argument)
            } else {
                name = try UnitName.completing(base)
                path = argument + name.description.dropFirst(base.count)
            }
        } catch {
            throw .usage("\(argument.printable()): \(error)")
        }
    }

    /// What fleetd is asked for: it knows what a Quadlet file has become.
    var stored: String { source?.description ?? name.description }

    /// Names a stored unit.
    var bare: UnitReference { UnitReference(name: name, source: source) }

    /// What the server gets of a unit that need not be stored yet: the name, and the local file or the instance's local
    /// template where there is one. A file with errors is not sent.
    ///
    /// Of a Quadlet file, what it becomes is named in it.
    func reference() throws(Failure) -> UnitReference {
        if let source { return try QuadletFiles.reference(source, path) }
        var reference = UnitReference(name: name)
        if let file = try LocalFile.read(path) {
            try FileCheck.throwError(name, file)
            reference.text = file.text
            reference.path = file.path
            try DropIns.refuse(beside: path, of: [name, name.template].compactMap { $0?.description })
        }
        if let template = name.template, let file = try LocalFile.read(sibling(template)) {
            try FileCheck.throwError(template, file)
            reference.template = file.text
            reference.path = reference.path ?? file.path
        }
        return reference
    }

    private func sibling(_ name: UnitName) -> String {
        guard let slash = path.lastIndex(of: "/") else { return name.description }
        return path[...slash] + name.description
    }

    /// All of them, without the names that were given twice; throws when there are none.
    static func all(_ arguments: [String]) throws(Failure) -> [UnitArgument] {
        guard !arguments.isEmpty else { throw .noUnits }
        var units: [UnitArgument] = []
        for argument in arguments {
            let unit = try UnitArgument(argument)
            // Two files of one standard name may be two units, if a `ServiceName=` says so.
            if !units.contains(where: { $0.stored == unit.stored }) { units.append(unit) }
        }
        return units
    }
}
