import Glibc

/// A process of the host, told from a later one with the same number by its start time.
package struct HostProcess: Hashable, Sendable {
    package var id: Int32
    /// Field 22 of /proc/PID/stat: clock ticks between boot and the process's start.
    var started: String

    /// The process `id` as it is now, or nil when there is none.
    init?(id: Int32) {
        guard let started = HostProcess.startTime(of: id) else { return nil }
        self.id = id
        self.started = started
    }

    /// Reads "PID START", as boot scripts write it.
    init?(record: String) {
        let fields = record.split { $0 == " " || $0 == "\n" }
        guard fields.count == 2, let id = Int32(fields[0]) else { return nil }
        self.id = id
        started = String(fields[1])
    }

    var record: String { "\(id) \(started)\n" }

    static var current: HostProcess? { HostProcess(id: getpid()) }

    package var isAlive: Bool { HostProcess.startTime(of: id) == started }

    /// Sends a signal; a process that is gone already is no error.
    func send(_ signal: Int32) {
        if isAlive { _ = kill(id, signal) }
    }

    /// The processes this one started that are still its children.
    var children: [HostProcess] {
        let list = Files.text("/proc/\(id)/task/\(id)/children") ?? ""
        return list.split(separator: " ").compactMap { Int32($0) }.compactMap(HostProcess.init(id:))
    }

    /// Whether this process is number 1 of a PID namespace of its own.
    var isInit: Bool {
        guard let status = Files.text("/proc/\(id)/status") else { return false }
        let line = status.split(separator: "\n").first { $0.hasPrefix("NSpid:") }
        return line?.split(whereSeparator: { $0 == "\t" || $0 == " " }).last == "1"
    }

    /// nil for a process that is gone or a zombie: a dead machine's PID 1 stays a zombie until its parent looks.
    private static func startTime(of id: Int32) -> String? {
        // The command's name stands in parentheses and may hold anything, so count from the last one.
        guard let stat = Files.text("/proc/\(id)/stat"), let end = stat.lastIndex(of: ")") else { return nil }
        let fields = stat[stat.index(after: end)...].split(separator: " ")
        guard fields.count > 19, fields[0] != "Z", fields[0] != "X" else { return nil }
        return String(fields[19])
    }
}
