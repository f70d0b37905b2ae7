package import FleetModel
package import UnitFile

/// `GET /fleet/v2/volumes`: every volume on every machine that has it, as far as the machines have told.
package struct VolumeListing: Hashable, Sendable, Codable {
    package enum State: String, Hashable, Sendable, Codable, CaseIterable {
        /// A unit that uses it is on the machine.
        case inUse = "in use"
        /// Its units are on no machine; they go back to it.
        case kept
        /// Its units use another copy, on another machine.
        case leftBehind = "left behind"
        /// No unit of the registry names it; one that kept to it did.
        case orphan
        /// No unit of the registry names it, and none that kept to it ever did: podman has it for somebody else.
        case foreign
        /// The machine is not present.
        case lost = "lost with its machine"
    }

    package struct Row: Hashable, Sendable, Codable {
        package var volume: VolumeName
        /// The units that name it, sorted.
        package var units: [UnitName]
        /// Of an orphan: the unit that kept to it last.
        package var formerUnit: UnitName?
        package var machine: MachineSummary
        package var state: State
        /// What it takes on the disk, as of `seen`; absent when the machine has not told of it.
        package var bytes: Int64?
        /// `bytes` is not all.
        package var isMore: Bool?
        package var created: Timestamp?
        package var seen: Timestamp?
        /// Since when its units have to be on this machine; absent where they need not be.
        package var homeSince: Timestamp?

        package init(volume: VolumeName, units: [UnitName], machine: MachineSummary, state: State) {
            self.volume = volume
            self.units = units
            self.machine = machine
            self.state = state
        }
    }

    /// A machine that has more volumes than it can tell of.
    package struct Omission: Hashable, Sendable, Codable {
        package var machine: MachineSummary
        /// So many more than `listed`.
        package var omitted: Int
        package var listed: Int

        package init(machine: MachineSummary, omitted: Int, listed: Int) {
            self.machine = machine
            self.omitted = omitted
            self.listed = listed
        }
    }

    package var volumes: [Row]
    /// Absent when all volumes of all machines are listed.
    package var omissions: [Omission]?

    package init(volumes: [Row], omissions: [Omission]? = nil) {
        self.volumes = volumes
        self.omissions = omissions
    }

    /// By volume, then by machine.
    package init(of snapshot: Snapshot) {
        var places: [VolumeName: Set<MachineID>] = [:]
        for (volume, home) in snapshot.volumeHomes { places[volume, default: []].insert(home.machine) }
        for (machine, inventory) in snapshot.inventories {
            for volume in inventory.volumes.keys { places[volume, default: []].insert(machine) }
        }
        let users = snapshot.unitsByVolume()
        volumes = places.sorted { $0.key < $1.key }.flatMap { volume, machines in
            machines.sorted().map { Row(volume, users[volume] ?? [], $0, in: snapshot) }
        }
        let omissions = snapshot.inventories.sorted { $0.key < $1.key }.compactMap { machine, inventory in
            inventory.omitted.map {
                Omission(
                    machine: MachineSummary(machine, in: snapshot),
                    omitted: $0,
                    listed: inventory.volumes.count
                )
            }
        }
        self.omissions = omissions.isEmpty ? nil : omissions
    }
}

extension VolumeListing.Row {
    fileprivate init(_ volume: VolumeName, _ units: [UnitName], _ machine: MachineID, in snapshot: Snapshot) {
        let home = snapshot.volumeHomes[volume]
        let isHere = units.contains { snapshot.assignments[$0]?[machine] != nil }
        let isElsewhere = units.contains { snapshot.assignments[$0].map { !$0.isEmpty } ?? false }
        let state: VolumeListing.State
        if snapshot.machines[machine]?.presence == nil {
            state = .lost
        } else if units.isEmpty {
            state = home == nil ? .foreign : .orphan
        } else if isHere {
            state = .inUse
        } else if let home, home.machine != machine {
            state = .leftBehind
        } else {
            // Without a home nothing holds its units there.
            state = home == nil && isElsewhere ? .leftBehind : .kept
        }
        self.init(volume: volume, units: units, machine: MachineSummary(machine, in: snapshot), state: state)
        formerUnit = units.isEmpty ? home?.unit : nil
        let inventory = snapshot.inventories[machine]
        let copy = inventory?.volumes[volume]
        (bytes, isMore, created) = (copy?.bytes, copy?.isMore, copy?.created)
        seen = copy == nil ? nil : inventory?.at
        homeSince = home.flatMap { $0.machine == machine ? $0.since : nil }
    }
}

/// `POST /fleet/v2/volumes/forget`; the answer is the listing afterwards.
package struct ForgetVolumesRequest: Hashable, Sendable, Codable {
    package var volumes: [VolumeName]

    package init(volumes: [VolumeName]) { self.volumes = volumes }
}
