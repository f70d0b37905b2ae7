import FleetAgent
package import FleetModel
import Logging
package import UnitFile

extension SystemdBus {
    package nonisolated func keepAnEye(on volumes: [VolumeName], of unit: UnitName) {
        guard self.volumes.watch(volumes, of: unit) else { return }
        Task { await lookAgain(at: unit) }
    }

    /// What was told of it says nothing of these volumes.
    private func lookAgain(at unit: UnitName) {
        guard ours[unit] != nil else { return }
        markDirty(unit)
        startReading()
    }

    /// Asks podman about volumes that look empty, and has their units read again when it has answered. True for units
    /// whose news may wait for that.
    func clarify(_ held: VolumeFolders.Held) {
        guard let question = volumes.question(about: held.unclear) else { return }
        let connection = self.connection
        Task {
            let empty = await emptyVolumes(of: question.volumes.sorted(), number: question.number)
            let units = volumes.answer(question, areEmpty: empty)
            guard self.connection === connection else { return }
            for unit in units where ours[unit] != nil { observation.dirty.insert(unit) }
            startReading()
        }
    }

    private func emptyVolumes(of wanted: [VolumeName], number: Int) async -> Set<VolumeName> {
        do {
            let output = try ProgramOutput()
            let unit = VolumeQuestion.unit(about: wanted, number: number, output: output.descriptor)
            guard case .done = try await run(unit) else { return [] }
            return VolumeQuestion.empty(of: wanted, output: await output.end())
        } catch {
            log.debug("podman cannot be asked about volumes: \(error)")
            return []
        }
    }

    package nonisolated func inventory(with states: [VolumeName]) async -> FoundVolumes {
        await volumes.inventory(with: states)
    }
}
