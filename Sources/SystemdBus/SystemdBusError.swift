import Glibc

/// Why a call on systemd has no result.
package struct SystemdBusError: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Code: Hashable, Sendable {
        /// systemd answered with this D-Bus error name: it did not do what was asked.
        case refused(name: String)
        /// No answer: the connection was lost, or systemd was silent for too long. What was asked may have happened.
        case noAnswer
        /// There was no connection, so nothing was asked.
        case notConnected
        /// libsystemd refused the message or the answer had another shape than its documentation says.
        case malformed
        /// A file could not be read or written.
        case file
    }

    package var code: Code
    /// One sentence without a full stop.
    package var message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { message }

    /// The D-Bus error name of a refusal, without `org.freedesktop.systemd1.`; empty for other codes.
    var systemdName: String {
        guard case .refused(let name) = code else { return "" }
        let prefix = "org.freedesktop.systemd1."
        return name.hasPrefix(prefix) ? String(name.dropFirst(prefix.count)) : name
    }

    /// systemd does not accept the file of the unit that was named, or of one that it requires.
    var isAboutFile: Bool { ["NoSuchUnit", "BadUnitSetting", "LoadFailed", "UnitMasked"].contains(systemdName) }

    /// The unit is not loaded and has no file.
    var isNoSuchUnit: Bool { systemdName == "NoSuchUnit" }
}

/// Throws for a negative result of libsystemd, which is an errno with its sign changed.
@discardableResult
func check(_ result: Int32, _ what: String) throws(SystemdBusError) -> Int32 {
    guard result < 0 else { return result }
    throw SystemdBusError(.malformed, "\(what) failed: \(errorText(-result))")
}

/// strerror(3) for an errno.
func errorText(_ number: Int32) -> String {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
        guard let start = buffer.baseAddress else { return "error \(number)" }
        return strerror_r(number, start, buffer.count) == 0 ? String(cString: start) : "error \(number)"
    }
}
