/// Every bound of the embedded registry in one place. The values are the product's; tests use smaller ones.
package struct StoreTuning: Hashable, Sendable {
    /// Changes kept for watches that start in the past. A consumer that is further behind lists again, which for a
    /// fleet of a thousand units is about as many entries as this, so keeping more would save nobody anything.
    package var historyChanges = 10_000
    /// Bytes of keys and values kept in the history, so that large unit files do not make it a second archive.
    package var historyBytes = 32 << 20
    /// Changes beyond `historyChanges` before the history is trimmed: one commit in so many pays for the deletion.
    package var historySlack = 1_000
    /// Transactions that share one fsync. A larger group would only make its first member wait longer.
    package var transactionsPerGroup = 256
    /// Events that wait in memory for one slow consumer; past this it reads them from the history instead.
    package var backlogEvents = 1_024
    /// Bytes of keys and values that wait in memory for one slow consumer.
    package var backlogBytes = 1 << 20
    /// Events read from the history at a time; the last revision of a chunk is always read whole.
    package var catchUpEvents = 512
    /// SQLite's page cache per connection. The registry's hot pages (the upper levels of two trees and the page that is
    /// appended to) are a few dozen; fleetd has 25 MB for everything.
    package var pageCacheKibibytes = 128
    /// How long a commit waits for a lock that another program (the sqlite3 shell, a backup) has on the file.
    package var busyTimeout = Duration.seconds(5)
    /// When the keys of an ended lease could not be deleted (disk full), the next attempt comes after this long.
    package var leaseEndRetry = Duration.seconds(1)
    /// The write-ahead log is cut back to this size after a burst; 4 MiB is where SQLite's automatic checkpoint
    /// (1,000 pages of 4 KiB) keeps it anyway.
    package var logBytes = 4 << 20

    package init() {}
}
