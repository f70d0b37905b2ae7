import FleetRegistry
import GRDBSQLite

/// One connection to an SQLite file, with its prepared statements. Not `Sendable`: an actor owns it.
///
/// SQLite's C interface is used directly. GRDB itself links Foundation's ICU parts into every program: 61 MB instead of
/// 6 MB for a static binary and 9 MB more resident memory, measured on Debian 12 with GRDB 7.10; fleetd has 25 MB.
final class Connection {
    private let handle: OpaquePointer
    private var statements: [String: OpaquePointer] = [:]

    enum Mode { case readOnly, readWrite }

    /// Opens an existing file; never makes one.
    init(path: String, mode: Mode) throws(SQLiteFailure) {
        var handle: OpaquePointer?
        let flags = (mode == .readOnly ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE) | SQLITE_OPEN_NOMUTEX
        let code = sqlite3_open_v2(path, &handle, flags, nil)
        guard let handle else { throw SQLiteFailure(code: SQLITE_NOMEM, message: "out of memory") }
        self.handle = handle
        sqlite3_extended_result_codes(handle, 1)
        guard code == SQLITE_OK else { throw failure }
    }

    deinit {
        for statement in statements.values { sqlite3_finalize(statement) }
        sqlite3_close_v2(handle)
    }

    /// True between `BEGIN` and the end of that transaction, which SQLite may bring about itself after an error.
    var isInsideTransaction: Bool { sqlite3_get_autocommit(handle) == 0 }

    /// How long to wait for a lock that another program holds.
    func setBusyTimeout(_ timeout: Duration) {
        sqlite3_busy_timeout(handle, Int32(clamping: timeout.components.seconds * 1000))
    }

    /// Runs statements that take no values and answer nothing, as they are; for what runs once.
    func execute(_ script: String) throws(SQLiteFailure) {
        guard sqlite3_exec(handle, script, nil, nil, nil) == SQLITE_OK else { throw failure }
    }

    /// Runs one statement, prepared once per connection, that answers nothing.
    func run(_ sql: String, _ values: SQLiteValue...) throws {
        try each(sql, values) { _ in false }
    }

    /// Runs one statement, prepared once per connection, and hands out its rows until `body` returns false. A row is
    /// valid inside `body` only.
    func each(_ sql: String, _ values: [SQLiteValue], _ body: (Row) throws -> Bool) throws {
        let statement = try prepared(sql)
        defer {
            // The result of reset repeats the error of the last step, which has been thrown.
            sqlite3_reset(statement)
            sqlite3_clear_bindings(statement)
        }
        for (index, value) in values.enumerated() {
            guard value.bind(to: statement, at: Int32(index + 1)) == SQLITE_OK else { throw failure }
        }
        while true {
            switch sqlite3_step(statement) {
            case SQLITE_ROW:
                guard try body(Row(statement: statement)) else { return }
            case SQLITE_DONE:
                return
            default:
                throw failure
            }
        }
    }

    /// The first column of the first row; nil when there is no row or it is NULL.
    func number(_ sql: String, _ values: SQLiteValue...) throws -> Int64? {
        var number: Int64?
        try each(sql, values) { row in
            number = row.optionalNumber(0)
            return false
        }
        return number
    }

    /// The first column of the first row as text, which is how pragmas answer.
    func text(_ sql: String) throws -> String? {
        var text: String?
        try each(sql, []) { row in
            text = String(decoding: row.bytes(0), as: UTF8.self)
            return false
        }
        return text
    }

    private func prepared(_ sql: String) throws(SQLiteFailure) -> OpaquePointer {
        if let statement = statements[sql] { return statement }
        var statement: OpaquePointer?
        let code = sqlite3_prepare_v3(handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &statement, nil)
        guard code == SQLITE_OK, let statement else { throw failure }
        statements[sql] = statement
        return statement
    }

    private var failure: SQLiteFailure {
        SQLiteFailure(
            code: sqlite3_extended_errcode(handle),
            message: String(cString: sqlite3_errmsg(handle))
        )
    }
}

/// What SQLite reports: an extended result code (sqlite.org/rescode.html) and its words.
struct SQLiteFailure: Error {
    var code: Int32
    var message: String

    /// The code without its extension.
    var kind: Int32 { code & 0xff }
}

/// A value to bind.
enum SQLiteValue {
    case null
    case number(Int64)
    case bytes([UInt8])
    case key(Key)

    fileprivate func bind(to statement: OpaquePointer, at index: Int32) -> Int32 {
        switch self {
        case .null: sqlite3_bind_null(statement, index)
        case .number(let number): sqlite3_bind_int64(statement, index, number)
        case .bytes(let bytes): bytes.withUnsafeBytes { Self.bind($0, to: statement, at: index) }
        case .key(let key):
            key.description.utf8.withContiguousStorageIfAvailable {
                Self.bind(UnsafeRawBufferPointer($0), to: statement, at: index)
            } ?? SQLiteValue.bytes(Array(key.description.utf8)).bind(to: statement, at: index)
        }
    }

    /// SQLite takes its own copy. A null pointer would bind NULL, so no bytes are bound as a blob of length 0.
    private static func bind(_ bytes: UnsafeRawBufferPointer, to statement: OpaquePointer, at index: Int32) -> Int32 {
        guard !bytes.isEmpty else { return sqlite3_bind_zeroblob(statement, index, 0) }
        // SQLITE_TRANSIENT is the destructor -1, a macro Swift does not import.
        let copied = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
        return sqlite3_bind_blob64(statement, index, bytes.baseAddress, UInt64(bytes.count), copied)
    }
}

/// The current row of a statement. Its columns never trap: SQLite converts what has another type.
struct Row {
    fileprivate let statement: OpaquePointer

    func number(_ index: Int32) -> Int64 { sqlite3_column_int64(statement, index) }

    func optionalNumber(_ index: Int32) -> Int64? {
        sqlite3_column_type(statement, index) == SQLITE_NULL ? nil : number(index)
    }

    func bytes(_ index: Int32) -> [UInt8] {
        withBytes(index) { Array($0) }
    }

    func key(_ index: Int32) -> Key {
        withBytes(index) { Key(String(decoding: $0, as: UTF8.self)) }
    }

    private func withBytes<Result>(_ index: Int32, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        let start = sqlite3_column_blob(statement, index)
        let count = start == nil ? 0 : Int(sqlite3_column_bytes(statement, index))
        return body(UnsafeRawBufferPointer(start: start, count: count))
    }
}
