import UnitFile

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
    /// `agent_ttl` unless it is set: how long the registry waits for a silent machine.
    package static let standardLease = Duration.seconds(10)
    /// Operations in one transaction, and compares in one: etcd's default `--max-txn-ops` is 128.
    package static let operationsPerTransaction = 128
    /// Bytes of a unit file, as the grammar has it.
    package static let unitFileBytes = ParsedUnitFile.maximumBytes
    /// Bytes of a config or secret: systemd takes 1 MiB of credentials for a unit, and etcd 1.5 MiB in a request, of
    /// which the form that it is stored in takes a third more.
    package static let credentialBytes = 512 << 10
    /// Bytes of all that one unit is given, with the names: systemd's `CREDENTIALS_TOTAL_SIZE_MAX`.
    package static let unitCredentialBytes = 1 << 20
    /// Values of one key of `[X-Fleet]`: far more than a person writes, and few enough to compare each with each.
    static let valuesPerKey = 256
    /// The shortest `RescheduleDelaySec=`: below it, a unit that fails at once keeps the registry busy.
    package static let shortestRescheduleDelay = Duration.milliseconds(100)
    /// The shortest `HealthIntervalSec=` and `HealthTimeoutSec=`: below them, checks are work of their own.
    package static let shortestHealthInterval = Duration.seconds(1)
    static let shortestHealthTimeout = Duration.milliseconds(1)
    /// The longest time span of a check: longer ones are slips, and would hide that nothing is checked.
    static let longestHealthSpan = Duration.seconds(86_400)
    /// The most `HealthRetries=`.
    static let healthRetries = 1000
    /// Bytes kept of what a check said, with a status and a failure.
    package static let healthOutputBytes = 512
    /// `PullTimeoutSec=` unless it is set: long enough for a large image over a slow line, and a registry that has
    /// stopped answering is noticed within the hour.
    package static let standardPullTimeout = Duration.seconds(900)
    /// Images of one machine that the registry is told of; more are of no use in choosing a machine.
    package static let inventoryImages = 500
    /// The longest time span of `[X-Fleet]`, and what `infinity` means there: about a hundred years, so that no sum or
    /// doubling of spans leaves the range of `Timestamp`.
    package static let longestSpan = Duration.seconds(3_155_760_000)
}
