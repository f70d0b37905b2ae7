import FleetModel
import Glibc

/// The few calls on the operating system that a command line needs.
enum Process {
    static func exit(_ status: Int32) -> Never { Glibc.exit(status) }

    /// Writes everything; false when the descriptor does not take it.
    static func write(_ text: String, to descriptor: Int32) -> Bool {
        var text = text
        return text.withUTF8 { write(UnsafeRawBufferPointer($0), to: descriptor) }
    }

    /// Writes everything; false when the descriptor does not take it.
    static func write(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let slice = UnsafeRawBufferPointer(rebasing: rest)
            let count = Glibc.write(descriptor, slice.baseAddress, slice.count)
            if count < 0 && errno == EINTR { continue }
            if count < 0 && errno == EAGAIN {
                var ready = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                guard poll(&ready, 1, -1) > 0 else { return false }
                continue
            }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }

    static func now() -> Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
    }

    /// The environment's variables; of a name that is there twice, the first.
    static var environment: [String: String] {
        var variables: [String: String] = [:]
        var cursor = environ
        while let entry = cursor.pointee {
            let text = String(cString: entry)
            if let equals = text.firstIndex(of: "=") {
                let name = String(text[..<equals])
                if variables[name] == nil { variables[name] = String(text[text.index(after: equals)...]) }
            }
            cursor += 1
        }
        return variables
    }

    /// The text of an error number, such as `Permission denied`.
    static func message(of code: Int32) -> String {
        var buffer = [CChar](repeating: 0, count: 256)
        return buffer.withUnsafeMutableBufferPointer { area in
            guard let start = area.baseAddress, strerror_r(code, start, area.count) == 0 else {
                return "error \(code)"
            }
            return String(cString: start)
        }
    }

    /// Makes Ctrl-C end the process with one line that says what has become of the change. Only write(2) and _exit(2)
    /// run in the signal's context (signal-safety(7)).
    static func arm(_ meaning: InterruptMeaning) {
        switch meaning {
        case .changeUnknown:
            signal(SIGINT) { _ in Process.end("\nInterrupted before fleetd had confirmed the change.\n") }
        case .changeStored:
            signal(SIGINT) { _ in Process.end("\nInterrupted; the change is stored and goes on.\n") }
        case .orderStored:
            signal(SIGINT) { _ in Process.end("\nInterrupted; the order is stored and goes on.\n") }
        case .nothing:
            signal(SIGINT) { _ in Process.end("\n") }
        }
    }

    private static func end(_ text: StaticString) {
        _ = Glibc.write(2, text.utf8Start, text.utf8CodeUnitCount)
        _exit(ExitStatus.interrupted)
    }
}

/// What Ctrl-C interrupts.
enum InterruptMeaning: Sendable {
    /// A change was sent, and fleetd has not said yet that it is stored.
    case changeUnknown
    /// The change is stored; only the waiting ends.
    case changeStored
    /// The same for an order on machines.
    case orderStored
    /// Something that only reads.
    case nothing
}
