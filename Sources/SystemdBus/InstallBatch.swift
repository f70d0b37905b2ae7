import FleetAgent
import FleetModel
import UnitFile

/// The state of one `install`.
struct InstallBatch {
    struct Draft {
        var text: String
        var hash: ContentHash
        var install: InstallSection
        var isAtMostOnce: Bool
        var credentials: [Credential]
        /// There was no unit of ours of this name.
        var isNew: Bool
        /// The text differs from the installed one.
        var isChanged: Bool
        /// The start that comes next is the first to need the file.
        var isReadByStart: Bool
        /// For a service that was made of a Quadlet file.
        var stamp: QuadletStamp?
        /// The services that go with it.
        var companions: [UnitName: String] = [:]
    }

    /// CLOCK_REALTIME in microseconds, as the journal counts.
    let began: UInt64
    private(set) var drafts: [UnitName: Draft] = [:]
    var results: [UnitName: OperationResult] = [:]
    /// What systemd said of the units when it had loaded them, and the number of that reading.
    var listed: [UnitName: ListedUnit] = [:]
    var listing = 0
    /// Installed companions that this batch gives another text.
    var outdatedCompanions: Set<UnitName> = []

    init(began: UInt64) { self.began = began }

    /// The units without a result yet, sorted.
    var open: [UnitName] { drafts.keys.filter { results[$0] == nil }.sorted() }

    /// Those of them that systemd is to load now.
    var loaded: [UnitName] { open.filter { !$0.isTemplate && drafts[$0]?.isReadByStart != true } }

    /// A unit that cannot be installed as it is.
    mutating func refuse(_ unit: UnitName, _ message: String) {
        results[unit] = .failed(OperationFailure(kind: .badUnit, message: message))
    }

    mutating func add(_ installation: UnitInstallation, _ services: QuadletServices, known: SystemdBus.OurUnit?) {
        add(installation, services.text, known: known)
        drafts[installation.unit]?.stamp = services.stamp
        drafts[installation.unit]?.companions = services.companions
    }

    /// The companion of this unit stays as it is installed.
    mutating func keep(_ text: String, of companion: UnitName, beside unit: UnitName) {
        drafts[unit]?.companions[companion] = text
    }

    mutating func add(_ installation: UnitInstallation, _ text: String, known: SystemdBus.OurUnit?) {
        let install = InstallSection(of: text)
        drafts[installation.unit] = Draft(
            text: text,
            hash: installation.file,
            install: install,
            isAtMostOnce: installation.atMostOnce,
            credentials: installation.credentials,
            isNew: known == nil,
            isChanged: known?.file != installation.file || known?.stamp?.bundle != installation.quadlet,
            isReadByStart: known == nil && installation.startsNext && !install.isPresent
        )
    }
}

extension SystemdBus.OurUnit {
    init(_ draft: InstallBatch.Draft, ties: Set<UnitName>) {
        self.init(
            file: draft.hash,
            stamp: draft.stamp,
            ties: ties,
            isAtMostOnce: draft.isAtMostOnce,
            isEndedByCheck: draft.stamp != nil && ContainerCheck.ends(draft.text)
        )
    }
}
