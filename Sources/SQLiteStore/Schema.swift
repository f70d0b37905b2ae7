/// The embedded registry's tables, their version, and every statement that is run on them.
///
/// Keys and values are BLOBs: SQLite compares those with memcmp(3), which is the order of `Key`. `value` comes last in
/// a row, so that looking at a lease does not have to walk the overflow pages of a large unit file.
enum Schema {
    /// Version of the tables, kept in `meta` under `format`. A database with a larger one is refused.
    static let format: Int64 = 1
    /// `PRAGMA application_id`, shown by file(1): "FLEE" in ASCII.
    static let applicationID: Int64 = 0x464c_4545

    /// `history` holds every change since `meta.oldest`: a delete has `created` 0. The newest revision is always in
    /// it (a revision without a change does not exist and trimming keeps the last one), so the store's counter is
    /// `max(revision)` and a commit writes no page for it.
    static let create = """
        CREATE TABLE meta(name TEXT PRIMARY KEY, number INTEGER NOT NULL) STRICT, WITHOUT ROWID;
        CREATE TABLE entries(
            key BLOB PRIMARY KEY,
            created INTEGER NOT NULL,
            modified INTEGER NOT NULL,
            lease INTEGER,
            value BLOB NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE history(
            revision INTEGER NOT NULL,
            ordinal INTEGER NOT NULL,
            key BLOB NOT NULL,
            created INTEGER NOT NULL,
            lease INTEGER,
            value BLOB NOT NULL,
            PRIMARY KEY(revision, ordinal)
        ) STRICT, WITHOUT ROWID;
        INSERT INTO meta VALUES('format', \(format)), ('oldest', 0);
        PRAGMA application_id = \(applicationID);
        """

    static let begin = "BEGIN IMMEDIATE"
    static let beginRead = "BEGIN DEFERRED"
    static let commit = "COMMIT"

    static let storedFormat = "SELECT number FROM meta WHERE name = 'format'"
    static let oldest = "SELECT number FROM meta WHERE name = 'oldest'"
    static let setOldest = "UPDATE meta SET number = ? WHERE name = 'oldest'"
    static let newest = "SELECT revision FROM history ORDER BY revision DESC LIMIT 1"
    static let historySize = """
        SELECT count(*), coalesce(sum(length(key) + length(value)), 0) FROM history
        """

    static let revisions = "SELECT created, modified FROM entries WHERE key = ?"
    static let put = """
        INSERT INTO entries(key, created, modified, lease, value) VALUES(?, ?, ?, ?, ?)
        ON CONFLICT(key) DO UPDATE SET modified = excluded.modified, lease = excluded.lease, value = excluded.value
        """
    static let delete = "DELETE FROM entries WHERE key = ?"
    static let keysOfLease = "SELECT key FROM entries WHERE lease = ? ORDER BY key"
    static let leasedKeys = "SELECT key FROM entries WHERE lease IS NOT NULL ORDER BY key"
    static let record = "INSERT INTO history(revision, ordinal, key, created, lease, value) VALUES(?, ?, ?, ?, ?, ?)"
    static let oldestChanges = """
        SELECT revision, length(key) + length(value) FROM history ORDER BY revision, ordinal
        """
    static let forgottenSize = historySize + " WHERE revision < ?"
    static let forget = "DELETE FROM history WHERE revision < ?"

    static func entries(bounded: Bool) -> String {
        "SELECT key, created, modified, lease, value FROM entries WHERE key >= ?"
            + (bounded ? " AND key < ?" : "") + " ORDER BY key"
    }

    static func keys(bounded: Bool) -> String {
        "SELECT key FROM entries WHERE key >= ?" + (bounded ? " AND key < ?" : "") + " ORDER BY key"
    }

    static func changes(bounded: Bool) -> String {
        "SELECT key, created, revision, lease, value FROM history WHERE revision >= ? AND key >= ?"
            + (bounded ? " AND key < ?" : "") + " ORDER BY revision, ordinal"
    }
}
