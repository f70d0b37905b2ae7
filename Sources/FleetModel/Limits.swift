/// Every bound of the model in one place, each with its reason.
package enum Limits {
    /// Lines of journal kept with a failure: enough for a stack's last words, small enough for a registry value.
    package static let journalLines = 10
    /// Bytes kept of one such line; longer lines end in an ellipsis.
    package static let journalLineBytes = 512
    /// Failures kept per record: the policy looks at the interval of `RescheduleLimitIntervalSec=`, `why` at the chain.
    package static let recentFailures = 16
    /// Events kept per unit: the chain of causes that `fleetctl why` prints.
    package static let eventsPerUnit = 32
    /// Operations in one transaction: etcd's default `--max-txn-ops` is 128.
    package static let operationsPerTransaction = 128
    /// Bytes of a unit file: one mebibyte, the longest line systemd accepts (`LONG_LINE_MAX`, systemd.syntax(7)).
    package static let unitFileBytes = 1 << 20
}
