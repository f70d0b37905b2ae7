package import FleetModel
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

    package nonisolated func inventory(with states: [VolumeName]) async -> [VolumeName: VolumeCopy] {
        await volumes.inventory(with: states)
    }
}
