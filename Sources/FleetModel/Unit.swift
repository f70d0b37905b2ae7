package import UnitFile

/// What a user asked of a unit, in fleet's words.
package enum TargetState: String, Hashable, Sendable, Codable, CaseIterable, Comparable {
    /// Known to the registry, on no machine.
    case inactive
    /// On a machine, known to its systemd, not started.
    case loaded
    /// On a machine and started.
    case launched

    package static func < (left: TargetState, right: TargetState) -> Bool { left.rank < right.rank }

    private var rank: Int {
        switch self {
        case .inactive: 0
        case .loaded: 1
        case .launched: 2
        }
    }
}

/// Who asked for something, and when.
package struct Provenance: Hashable, Sendable, Codable {
    package var at: Timestamp
    /// The peer of the API connection, such as `root (uid 0)`.
    package var by: String

    package init(at: Timestamp, by: String) {
        self.at = at
        self.by = by
    }
}

/// A unit: what users asked for, and what its file says to fleet.
package struct Unit: Hashable, Sendable {
    package var name: UnitName
    package var intent: UnitIntent
    package var target: UnitTarget
    /// `[X-Fleet]` of the unit's file with the specifiers expanded for this name.
    package var options: FleetOptions
    /// `Description=` of the unit's file, with what its name fills in; empty for none.
    package var description: String
    /// What the file asks of podman; nil unless it is a Quadlet file.
    package var quadlet: QuadletFacts?
    /// The volumes that the file names.
    package var volumes: UnitVolumes
    /// What the file asks of systemd; nil where every supported one will do.
    package var systemd: SystemdNeed?
    /// The generation of the newest config or secret whose change restarts this unit; 0 for none.
    package var renewal: Generation
    /// The same of one whose change reloads it, which makes no new run of it.
    package var reload: Generation

    package init(
        name: UnitName,
        intent: UnitIntent,
        target: UnitTarget,
        options: FleetOptions,
        description: String = "",
        quadlet: QuadletFacts? = nil,
        volumes: UnitVolumes = UnitVolumes(),
        systemd: SystemdNeed? = nil,
        renewal: Generation = 0,
        reload: Generation = 0
    ) {
        self.name = name
        self.intent = intent
        self.target = target
        self.options = options
        self.description = description
        self.quadlet = quadlet
        self.volumes = volumes
        self.systemd = systemd
        self.renewal = renewal
        self.reload = reload
    }

    /// The largest of all generations: identifies the newest thing that a user asked of this unit.
    package var generation: Generation { max(intent.generation, target.generation, renewal) }

    /// The pod that the unit is, or is a container of: its units share a network, and are on one machine. A global unit
    /// has a pod of its own on every machine.
    package var pod: QuadletName? {
        guard !options.isGlobal, !name.isTemplate else { return nil }
        return intent.source?.kind == .pod ? intent.source : quadlet?.pod
    }

    /// What `UnitTarget.restart` asks for, or a change of its configs and secrets.
    package var restart: Generation { max(target.restart, renewal) }
}

/// Which file a unit has. Stored at `units/NAME`.
package struct UnitIntent: Hashable, Sendable, Codable {
    package var file: ContentHash
    package var generation: Generation
    package var submitted: Provenance
    /// The Quadlet file that `file` is, which becomes this unit on its machines; nil for a unit file of systemd's.
    package var source: QuadletName?
    /// What the file's `Image=` meant when it was stored, with its digest (`PinImage=`); absent where it is not pinned.
    package var image: String?

    package init(
        file: ContentHash,
        generation: Generation,
        submitted: Provenance,
        source: QuadletName? = nil,
        image: String? = nil
    ) {
        self.file = file
        self.generation = generation
        self.submitted = submitted
        self.source = source
        self.image = image
    }
}

/// Which state a unit should have. Stored at `targets/NAME`.
package struct UnitTarget: Hashable, Sendable, Codable {
    package var state: TargetState
    package var generation: Generation
    /// The generation at which a restart was asked for last; 0 for never. An agent that started the unit at an older
    /// generation stops and starts it again.
    package var restart: Generation
    package var set: Provenance

    package init(state: TargetState, generation: Generation, restart: Generation = 0, set: Provenance) {
        self.state = state
        self.generation = generation
        self.restart = restart
        self.set = set
    }
}
