import ArgumentParser
import FleetAPI
import FleetModel
import UnitFile

/// `volumes`: where the data of units are.
struct Volumes: FleetctlCommand {
    static let configuration = CommandConfiguration(
        commandName: "volumes",
        abstract: "List volumes with their units, machines and sizes; 'volumes forget' lets go of some.",
        discussion: """
            States: 'in use' (its unit is there), 'kept' (its unit goes back to it), 'left behind' (its unit uses another
            copy elsewhere), 'orphan' (its unit is gone, or names it no more), 'foreign' (no unit had it, as far as is
            known), 'lost with its machine'. Sizes are as of the last start or stop of a unit there.

            'volumes forget VOLUME... --yes' forgets on which machine volumes are, and deletes nothing: their units may
            be placed on any machine then, and begin there without the data.
            """
    )

    @Argument(help: ArgumentHelp("Nothing, or 'forget' and names of volumes.", valueName: "action"))
    var arguments: [String] = []

    @Flag(help: "With 'forget': do it.")
    var yes = false

    @OptionGroup var options: ListOptions
    @OptionGroup var global: GlobalOptions

    func run(in context: Context) throws -> Int32 {
        let columns = try VolumeTable.listing.columns(of: options.fields)
        let client = try APIClient(global, in: context)
        let listing: VolumeListing
        switch arguments.first {
        case nil, "list": listing = try client.volumes()
        case "forget": return try forget(try names(), client, context)
        case let other?: throw Failure.usage("volumes knows 'list' and 'forget', not \"\(Printable.line(other))\"")
        }
        if options.json {
            context.console.print(try JSONText.document(listing))
        } else {
            let layout = options.layout(in: context)
            context.console.write(VolumeTable.listing.render(listing.volumes, columns: columns, layout: layout))
            for omission in listing.omissions ?? [] {
                context.console.complain(
                    "\(Printable.line(omission.machine.nameWithLegend)) tells of \(omission.listed) volumes; "
                        + "\(omission.omitted) more are not listed ('podman volume ls' there has all)"
                )
            }
        }
        return ExitStatus.success
    }

    private func names() throws -> [VolumeName] {
        guard arguments.count > 1 else {
            throw Failure.usage("volumes forget needs names of volumes: fleetctl volumes forget VOLUME... --yes")
        }
        return try arguments.dropFirst().map { text in
            do throws(UnitNameError) {
                return try VolumeName(text)
            } catch {
                throw Failure.usage("\(error)")
            }
        }
    }

    /// The name of a stored `.volume` file means its volume, unless a volume is called so.
    private func meaning(of name: VolumeName, among rows: [VolumeListing.Row], _ client: APIClient) -> VolumeName {
        guard QuadletKind(ofFile: name.description) == .volume, !rows.contains(where: { $0.volume == name }),
            let unit = try? client.unit(name.description).row.name
        else { return name }
        return rows.first { $0.units.contains(unit) }?.volume ?? name
    }

    /// Says what it means before it is done, with the machines concerned.
    private func forget(_ names: [VolumeName], _ client: APIClient, _ context: Context) throws -> Int32 {
        let rows = try client.volumes().volumes
        let names = names.map { meaning(of: $0, among: rows, client) }
        let homes = rows.filter { names.contains($0.volume) && $0.homeSince != nil }
        for row in homes {
            let units = row.units.map(\.description).joined(separator: ", ")
            let who = units.isEmpty ? "No unit names it now; one that does" : units
            context.console.complain(
                "\(row.volume) is kept on \(Printable.line(row.machine.nameWithLegend)). \(who) would begin without its "
                    + "data, on any machine. The data stay where they are"
            )
        }
        guard yes else {
            context.console.complain("fleetctl: nothing is forgotten; add --yes")
            return ExitStatus.failure
        }
        _ = try client.forgetVolumes(names)
        for name in names { context.console.print("Forgot where \(name) is") }
        return ExitStatus.success
    }
}
