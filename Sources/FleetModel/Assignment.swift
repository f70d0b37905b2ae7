package import UnitFile

/// The fact that a unit belongs on a machine, written by the engine only. Stored at `assignments/MACHINE/UNIT`, so
/// that a change wakes just that machine's agent. It carries all that the agent needs except the file's text.
package struct Assignment: Hashable, Sendable, Codable {
    package var file: ContentHash
    /// `loaded` or `launched`; an inactive unit has no assignment.
    package var target: TargetState
    package var generation: Generation
    /// See `UnitTarget.restart`.
    package var restart: Generation
    /// How many failures for good were answered before this run. `(generation, attempt)` names one run of the unit: the
    /// agent starts it once, and reports under this name how it went.
    package var attempt: Int
    package var atMostOnce: Bool
    /// The leadership that wrote this.
    package var epoch: Epoch
    /// Why here, as a sentence without a full stop.
    package var reason: String
    package var at: Timestamp
    /// For a unit that comes from a Quadlet file: that file, and what its generator needs beside it.
    package var quadlet: QuadletBundle?
    /// The volumes that the unit sticks to, sorted: the agent says which of them hold data. Absent for none.
    package var volumes: [VolumeName]?
    /// The volumes that it names and does not stick to, sorted: the machine tells of them in its inventory. Absent for
    /// none.
    package var looseVolumes: [VolumeName]?
    /// How to find out whether the unit does its work; nil for one that says nothing about it.
    package var health: HealthCheck?
    /// What the machine's fleetd may hand to the unit when it starts, and under which name; nil for nothing.
    package var credentials: [Credential]?
    /// What has to be on the machine before the unit is started; nil for nothing.
    package var image: ImagePull?
    /// The unit's container has a check of podman's that ends it: so many milliseconds after its start, at the latest,
    /// the first verdict is there. nil for none.
    package var verdictMs: Int64?
    /// The generation of the newest config or secret whose change the unit is told by a reload; nil for none. A unit
    /// that was started or reloaded with an older one is reloaded, and goes on with the same run.
    package var reload: Generation?

    package init(
        file: ContentHash,
        target: TargetState,
        generation: Generation,
        restart: Generation,
        attempt: Int,
        atMostOnce: Bool,
        epoch: Epoch,
        reason: String,
        at: Timestamp,
        quadlet: QuadletBundle? = nil,
        volumes: [VolumeName]? = nil,
        looseVolumes: [VolumeName]? = nil,
        health: HealthCheck? = nil,
        credentials: [Credential]? = nil,
        image: ImagePull? = nil,
        verdictMs: Int64? = nil,
        reload: Generation? = nil
    ) {
        self.file = file
        self.target = target
        self.generation = generation
        self.restart = restart
        self.attempt = attempt
        self.atMostOnce = atMostOnce
        self.epoch = epoch
        self.reason = reason
        self.at = at
        self.quadlet = quadlet
        self.volumes = volumes
        self.looseVolumes = looseVolumes
        self.health = health
        self.credentials = credentials
        self.image = image
        self.verdictMs = verdictMs
        self.reload = reload
    }

    /// The run that this assignment asks for.
    package var run: RunID { RunID(generation: generation, attempt: attempt) }
}

/// Names one run of a unit on its machine.
package struct RunID: Hashable, Sendable, Codable, CustomStringConvertible {
    package var generation: Generation
    package var attempt: Int

    package init(generation: Generation, attempt: Int) {
        self.generation = generation
        self.attempt = attempt
    }

    package var description: String { "\(generation).\(attempt)" }
}

/// An agent's word that it cannot take a unit, whatever the planner thinks: the machine has a unit of that name from
/// elsewhere, say. Stored at `refusals/MACHINE/UNIT` on the machine's lease, and withdrawn when its cause has gone.
package struct Refusal: Hashable, Sendable, Codable {
    /// A sentence without a full stop that names what is in the way (`ssh.service exists at /lib/systemd/...`).
    package var reason: String
    package var at: Timestamp

    package init(reason: String, at: Timestamp) {
        self.reason = reason
        self.at = at
    }
}
