package import FleetModel

/// Follows what became of a request, from snapshot to snapshot, and tells each thing once. Which snapshots it sees, and
/// how many it misses, makes no difference to how it ends.
package protocol SnapshotFollower: Sendable {
    associatedtype Progress: ProgressLine

    /// Nothing is left to wait for.
    var isDone: Bool { get }

    /// What is new in `snapshot`, in an order that does not change.
    mutating func advance(to snapshot: Snapshot) -> [Progress]
}

/// One line of a streamed answer. Every kind of answer has the three that concern the request as a whole.
package protocol ProgressLine: Encodable, Sendable {
    /// Something stands in the way; the request keeps waiting.
    static func waiting(_ message: String) -> Self
    /// Something the user should know.
    static func warning(_ message: String) -> Self
    /// The last line.
    static var done: Self { get }
}

extension ChangeProgress: ProgressLine {
    package static func waiting(_ message: String) -> ChangeProgress {
        ChangeProgress(kind: .waiting, message: message)
    }

    package static func warning(_ message: String) -> ChangeProgress {
        ChangeProgress(kind: .warning, message: message)
    }

    package static var done: ChangeProgress { ChangeProgress(kind: .done) }
}

extension MachineProgress: ProgressLine {
    package static func waiting(_ message: String) -> MachineProgress {
        MachineProgress(kind: .waiting, message: message)
    }

    package static func warning(_ message: String) -> MachineProgress {
        MachineProgress(kind: .warning, message: message)
    }

    package static var done: MachineProgress { MachineProgress(kind: .done) }
}
