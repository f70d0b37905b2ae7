import FleetModel
import UnitFile

/// What podman has said of volumes whose folders look empty, unit by unit, and until when that holds: the unit's next
/// news ends it, because the unit may have run, and written, since.
///
/// An empty folder proves nothing by itself: podman unmounts a volume with a device when its container stops, another
/// driver has none, and podman's storage may be elsewhere.
struct VolumeDoubt {
    /// A question to podman.
    struct Question: Hashable, Sendable {
        /// With the count of the unit's news when it was asked.
        var units: [UnitName: Int] = [:]
        var volumes: Set<VolumeName> = []
        /// Tells it from all others of this process.
        var number = 0
    }

    private var questions = 0
    private var news: [UnitName: Int] = [:]
    private var asked: [UnitName: Int] = [:]
    private var empty: [UnitName: Set<VolumeName>] = [:]

    /// Something has happened to the unit.
    mutating func doubt(_ unit: UnitName) {
        news[unit, default: 0] += 1
        empty[unit] = nil
    }

    /// nil while podman has not answered since the unit's last news.
    func emptyVolumes(of unit: UnitName) -> Set<VolumeName>? { empty[unit] }

    /// What is to be asked; nil when all of it is on its way.
    mutating func question(about unclear: [UnitName: [VolumeName]]) -> Question? {
        var question = Question()
        for (unit, volumes) in unclear where asked[unit] != news[unit, default: 0] {
            asked[unit] = news[unit, default: 0]
            question.units[unit] = news[unit, default: 0]
            question.volumes.formUnion(volumes)
        }
        guard !question.units.isEmpty else { return nil }
        questions += 1
        question.number = questions
        return question
    }

    /// Returns the units that the answer is still about.
    mutating func answer(_ question: Question, areEmpty: Set<VolumeName>) -> [UnitName] {
        let current = question.units.filter { news[$0.key, default: 0] == $0.value }.keys.sorted()
        for unit in current { empty[unit] = areEmpty }
        return current
    }
}
