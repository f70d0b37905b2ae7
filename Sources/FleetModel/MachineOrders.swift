/// What operators have ordered of a machine. Stored at `machines/MACHINE/orders`, durable, and kept apart from its
/// labels: an order outlives the machine's absence, so a machine that comes back from a repair is still cordoned.
package struct MachineOrders: Hashable, Sendable, Codable {
    /// The machine takes no newcomer, and keeps what it has.
    package struct Cordon: Hashable, Sendable, Codable {
        package var set: Provenance
        /// In the operator's words.
        package var reason: String?

        package init(set: Provenance, reason: String? = nil) {
            self.set = set
            self.reason = reason
        }
    }

    /// The machine takes no newcomer, and its units leave.
    package struct Drain: Hashable, Sendable, Codable {
        package var set: Provenance
        /// From then on what is left leaves without waiting for anything; nil: it stays for as long as it has to.
        package var deadline: Timestamp?

        package init(set: Provenance, deadline: Timestamp? = nil) {
            self.set = set
            self.deadline = deadline
        }

        /// How much longer than asked a clock that was set back, or that differs from the one of the machine which took
        /// the order, may make a drain wait.
        package static let clockSlack = Duration.seconds(60)

        /// Whether the deadline has passed.
        package func isOverdue(_ now: Timestamp) -> Bool {
            guard let deadline else { return false }
            return deadline <= now || deadline.since(now) > deadline.since(set.at) + Self.clockSlack
        }
    }

    package var cordoned: Cordon?
    package var draining: Drain?

    package init(cordoned: Cordon? = nil, draining: Drain? = nil) {
        self.cordoned = cordoned
        self.draining = draining
    }

    /// Nothing is ordered: the key need not be there.
    package var isEmpty: Bool { cordoned == nil && draining == nil }
    /// A machine that is drained is cordoned too.
    package var isCordoned: Bool { !isEmpty }
}
