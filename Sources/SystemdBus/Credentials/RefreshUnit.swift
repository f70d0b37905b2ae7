import FleetAgent
import FleetModel
import Glibc
import UnitFile

/// The transient service that gives a running unit the newest content of its configs and secrets. It gets them from
/// systemd as every unit does, and copies them over what the unit was started with, in memory from end to end.
struct RefreshUnit {
    let unit: UnitName
    let credentials: [CredentialName]

    var name: String { ReloadUnitName.name(for: unit) }

    /// What a unit was given is mounted read-only, in its own namespace and in this machine's; it may be written
    /// through a mount that is writable in this service's namespace only. (A namespace of systemd's making would not
    /// have the folders of other units at all.)
    private static let enter = ["/usr/bin/unshare", "--mount", "--propagation", "slave", "--"]

    /// The files stay the same ones: they keep their owner and their permissions, and what is mounted of them, one by
    /// one, in a container has the new content too. Each is written with one call, then cut to its length.
    private static let script = """
        place=/run/credentials/$1
        test -d "$place" || { echo "it has none of them at present"; exit 1; }
        if mountpoint -q "$place"; then mount -o remount,bind,rw "$place" || exit 1; fi
        cd "$CREDENTIALS_DIRECTORY" || exit 1
        for name in *; do
            dd if="$name" of="$place/$name" bs=\(Limits.credentialBytes) iflag=fullblock conv=notrunc status=none &&
            truncate --reference="$name" "$place/$name" || exit 1
        done
        """

    private static let timeout = Duration.seconds(30)

    var arguments: [String] {
        Self.enter + ["/bin/sh", "-c", Self.script, "fleet-reload", unit.description]
    }

    /// The arguments of `StartTransientUnit`. `output` is where it prints to.
    func write(to writer: BusWriter, output: Int32) throws(SystemdBusError) {
        try writer.transientUnit(name, mode: "fail") { () throws(SystemdBusError) in
            try writer.property("Description", text: "Fleet: configs and secrets of \(unit)")
            try writer.command(arguments)
            try writer.property("LoadCredential", "a(ss)") { () throws(SystemdBusError) in
                try writer.container(BusType.array, "(ss)") { () throws(SystemdBusError) in
                    for credential in credentials {
                        try writer.container(BusType.structure, "ss") { () throws(SystemdBusError) in
                            try writer.string(credential.description)
                            try writer.string(CredentialSocket.path)
                        }
                    }
                }
            }
            try writer.property("TimeoutStartUSec", span: Self.timeout)
            // It has contents in its memory for a moment.
            try writer.property("MemorySwapMax", number: 0)
            try writer.property("LimitCORE", number: 0)
            // A stop of the unit does not wait for it.
            try writer.property("StopPropagatedFrom", texts: [unit.description])
            try writer.property("LogLevelMax", "i") { () throws(SystemdBusError) in try writer.int(0) }
            try writer.output(output)
        }
    }
}

extension SystemdBus {
    /// See `UnitOperation.reload`.
    func reload(_ unit: UnitName, _ credentials: [CredentialName]) async -> OperationResult {
        if !credentials.isEmpty, let problem = await refresh(unit, credentials) {
            return .failed(OperationFailure(kind: .credentials, message: problem))
        }
        return await job("ReloadUnit", unit)
    }

    /// What kept the newest contents from the unit, in a sentence without a full stop; nil when they are in place.
    private func refresh(_ unit: UnitName, _ credentials: [CredentialName]) async -> String? {
        let refresh = RefreshUnit(unit: unit, credentials: credentials)
        do {
            let output = try ProgramOutput()
            let result: String
            do {
                result = try await runJob("StartTransientUnit") { writer throws(SystemdBusError) in
                    try refresh.write(to: writer, output: output.descriptor)
                }
            } catch let error as SystemdBusError where error.systemdName == "UnitExists" {
                // An earlier fleetd's, with what was the newest then.
                await end(transient: refresh.name)
                return "an earlier reload was still under way"
            }
            if result == "done" { return nil }
            let path = SystemdName.path(of: refresh.name)
            let status = try await property("ExecMainStatus", of: SystemdName.serviceInterface, at: path).number
            await end(transient: refresh.name)
            // `EXIT_CREDENTIALS` of systemd.exec(5): fleetd itself has refused, and said in its journal why.
            if status == 243 { return "its configs and secrets cannot be had on this machine; see fleetd's journal" }
            let words = HealthOutput.text(await output.end())
            return "its configs and secrets were not put in place: \(words.isEmpty ? "exit status \(status)" : words)"
        } catch {
            return "\(error)"
        }
    }
}
