import FleetAgent
import FleetModel
import FleetRuntime
import Logging
package import UnitFile

extension SystemdBus: QuadletTrial {
    package func complaints(
        about names: Set<QuadletName>,
        in files: [QuadletName: String]
    ) async -> [QuadletName: String] {
        await generator.complaints(about: names, in: files)
    }

    /// The services of those that are Quadlet files and have all their texts.
    func makeServices(
        _ installations: [UnitInstallation],
        _ texts: [ContentHash: String]
    ) async -> [UnitName: Result<QuadletServices, QuadletFailure>] {
        var requests: [UnitName: QuadletRequest] = [:]
        var version: PodmanVersion?
        for installation in installations {
            guard let bundle = installation.quadlet else { continue }
            var request = QuadletRequest(file: installation.file, bundle: bundle, texts)
            if let own = request?.texts[bundle.source] {
                let pinned = PinnedImage.text(own, as: bundle.image, seenTo: installation.image)
                let given = ContainerCredentials.text(pinned, with: installation.credentials)
                let hasCheck = bundle.source.kind == .container && ContainerCheck.losesItsLog(given)
                if hasCheck, version == nil { version = await generator.version() }
                request?.texts[bundle.source] = hasCheck ? ContainerCheck.text(given, podman: version) : given
            }
            requests[installation.unit] = request
        }
        return requests.isEmpty ? [:] : await generator.services(for: requests)
    }

    /// Why the services that a unit needs beside it cannot be installed; nil when they can.
    func takenCompanion(of draft: InstallBatch.Draft?) -> String? {
        for (name, service) in (draft?.stamp?.services ?? [:]).sorted(by: { $0.key < $1.key }) {
            guard let path = directory.foreignPath(of: service, in: facts.unitPath) else { continue }
            return "\(service), which \(name) becomes, exists at \(path), which is not fleet's"
        }
        return nil
    }

    /// Stops companions that are given another text: what runs of a pod, or has been done for an image, is the old
    /// text's. systemd stops their users with them, and these are about to be replaced too.
    ///
    /// What a newer podman would make otherwise of the same files is not another text: it stays as it is installed, for
    /// its users are not replaced.
    func stopOutdatedCompanions(_ batch: inout InstallBatch) async throws(SystemdBusError) {
        let installed = ours.values.compactMap(\.stamp)
        for unit in batch.open {
            guard let stamp = batch.drafts[unit]?.stamp else { continue }
            for (name, companion) in stamp.services {
                guard let old = directory.companionText(companion), old != batch.drafts[unit]?.companions[companion]
                else { continue }
                if installed.contains(where: { $0.makes(name, like: stamp) }) {
                    batch.keep(old, of: companion, beside: unit)
                } else {
                    batch.outdatedCompanions.insert(companion)
                }
            }
        }
        for companion in try await loadedUnits(batch.outdatedCompanions.sorted()).sorted() {
            _ = try await stopCompanion(companion)
        }
    }

    /// Which of the files beside a unit's did not start, and its last words: a pull, a build or a network that podman
    /// does not make. nil when they are not why.
    func explainCompanion(of unit: UnitName) async -> String? {
        let services = (ours[unit]?.stamp?.services ?? [:]).sorted { $0.key < $1.key }
        let ids = services.map { PropertyID(unit: $0.value, interface: SystemdName.unit, name: "ActiveState") }
        guard let states = try? await properties(ids),
            // One with `Restart=` is on its way to its next try, with an invocation that has said nothing yet.
            let state = ["failed", "activating"].first(where: { state in states.values.contains(.text(state)) }),
            let (name, service) = zip(services, ids).first(where: { states[$0.1]?.text == state })?.0
        else { return nil }
        let invocation = PropertyID(unit: service, interface: SystemdName.unit, name: "InvocationID")
        let run = state == "failed" ? (try? await properties([invocation]))?[invocation]?.hexadecimal ?? "" : ""
        let entries = await journalSource.lastWords(BusLimits.companionLines, of: service, invocation: run)
        // What PID 1 says of it is known already.
        let words = entries.filter { $0.pid != 1 }.map(\.message).filter { !$0.isEmpty }
        let told = words.isEmpty ? "" : ": " + words.suffix(2).joined(separator: "; ").printable(limit: 400)
        return "\(name), which \(unit) needs, did not start (\(service))\(told)"
    }

    /// Removes what makes the unit ours. One that others need beside theirs goes on as that.
    func removeFiles(of unit: UnitName) {
        let text = directory.text(of: unit)
        directory.remove(unit)
        forget(unit)
        guard let text, isNeeded(unit) else { return }
        do {
            try directory.installCompanion(unit, QuadletStamp.removed(from: text))
        } catch {
            log.error("systemd: \(error), which other units need", metadata: ["unit": "\(unit)"])
        }
    }

    /// Stops and removes companions that nobody needs any more.
    func removeUnneededCompanions() async throws(SystemdBusError) {
        let unneeded = directory.companions().filter { !isNeeded($0) }
        for companion in try await loadedUnits(unneeded).sorted() { _ = try await stopCompanion(companion) }
        // Somebody may have come to need it meanwhile.
        for companion in unneeded where !isNeeded(companion) { directory.removeCompanion(companion) }
    }

    private func isNeeded(_ unit: UnitName) -> Bool {
        ours.values.contains { $0.stamp?.services.values.contains(unit) == true }
    }

    /// The job's result; what cannot be stopped is left alone.
    private func stopCompanion(_ unit: UnitName) async throws(SystemdBusError) -> String {
        do throws(SystemdBusError) {
            return try await companionJob(unit)
        } catch {
            guard case .refused = error.code else { throw error }
            log.info("systemd: stopping failed: \(error)", metadata: ["unit": "\(unit)"])
            return "failed"
        }
    }

    private func companionJob(_ unit: UnitName) async throws(SystemdBusError) -> String {
        do {
            return try await runJob("StopUnit", unit)
        } catch {
            throw error as? SystemdBusError ?? SystemdBusError(.noAnswer, "\(error)")
        }
    }
}
