import CSystemd
import Glibc

/// One connection to systemd. Not thread safe, like sd-bus itself: it lives inside `SystemdBus`, on the bus thread.
///
/// Every call is answered exactly once, if need be when the connection is closed.
final class BusConnection {
    typealias Answer = Result<BusReader, SystemdBusError>

    /// Called for every signal that a match asked for.
    var onSignal: ((BusReader) -> Void)?
    private let bus: OpaquePointer
    private let isMessageBus: Bool
    private var pending: [ObjectIdentifier: PendingCall] = [:]
    private var isClosed = false

    /// A call whose answer is awaited. libsystemd holds it as user data until then.
    private final class PendingCall {
        unowned let connection: BusConnection
        let complete: (Answer) -> Void

        init(_ connection: BusConnection, _ complete: @escaping (Answer) -> Void) {
            self.connection = connection
            self.complete = complete
        }
    }

    init(to address: SystemdAddress) throws(SystemdBusError) {
        var bus: OpaquePointer?
        try check(sd_bus_new(&bus), "sd_bus_new")
        guard let bus else { throw SystemdBusError(.malformed, "sd_bus_new gave no bus") }
        self.bus = bus
        isMessageBus = address.isMessageBus
        // From here on, deinit closes the bus.
        try check(sd_bus_set_address(bus, address.address), "address \(address.address)")
        if isMessageBus { try check(sd_bus_set_bus_client(bus, 1), "sd_bus_set_bus_client") }
        try check(sd_bus_start(bus), "connecting to \(address.address)")
    }

    deinit {
        close()
        sd_bus_unref(bus)
    }

    /// Sends a method call. `answer` runs on the bus thread from `process` or `close`, or at once when the call cannot
    /// be sent. It runs before the next message is looked at, so what it notes down is known to the signals after it.
    func send(
        _ member: String,
        of interface: String = SystemdName.manager,
        at path: String = SystemdName.managerPath,
        timeout: UInt64 = BusLimits.callMicroseconds,
        write: (BusWriter) throws(SystemdBusError) -> Void = { _ in },
        answer: @escaping (Answer) -> Void
    ) {
        guard !isClosed else { return answer(.failure(.init(.notConnected, "not connected to systemd"))) }
        var message: OpaquePointer?
        do throws(SystemdBusError) {
            try check(
                sd_bus_message_new_method_call(bus, &message, SystemdName.service, path, interface, member),
                "making a call of \(member)"
            )
            guard let message else { throw SystemdBusError(.malformed, "no message for \(member)") }
            defer { sd_bus_message_unref(message) }
            try write(BusWriter(message: message))
            let call = Unmanaged.passRetained(PendingCall(self, answer))
            let result = sd_bus_call_async(bus, nil, message, Self.answered, call.toOpaque(), timeout)
            guard result >= 0 else {
                call.release()
                let isLost = [ENOTCONN, ECONNRESET, EPIPE].contains(-result)
                throw SystemdBusError(isLost ? .notConnected : .malformed, "\(member): \(errorText(-result))")
            }
            pending[ObjectIdentifier(call.takeUnretainedValue())] = call.takeUnretainedValue()
        } catch {
            answer(.failure(error))
        }
    }

    private static let answered: sd_bus_message_handler_t = { message, userData, _ in
        guard let message, let userData else { return 0 }
        let call = Unmanaged<PendingCall>.fromOpaque(userData).takeRetainedValue()
        call.connection.pending[ObjectIdentifier(call)] = nil
        call.complete(answer(in: message))
        return 0
    }

    private static func answer(in message: OpaquePointer) -> Answer {
        guard let error = sd_bus_message_get_error(message) else { return .success(BusReader(message: message)) }
        let name = error.pointee.name.map { String(cString: $0) } ?? ""
        let text = error.pointee.message.map { String(cString: $0) } ?? name
        // libsystemd makes this error itself for a timeout and for a connection that ends.
        let isSilence =
            name == "org.freedesktop.DBus.Error.NoReply" || name == "org.freedesktop.DBus.Error.Disconnected"
        return .failure(SystemdBusError(isSilence ? .noAnswer : .refused(name: name), text))
    }

    /// Asks for signals. On a peer-to-peer connection every signal arrives anyway and the rule only filters.
    func match(_ rule: String) throws(SystemdBusError) {
        let full = "type='signal'," + (isMessageBus ? "sender='\(SystemdName.service)'," : "") + rule
        let me = Unmanaged.passUnretained(self).toOpaque()
        let result = sd_bus_add_match_async(
            bus,
            nil,
            full,
            { message, userData, _ in
                guard let message, let userData else { return 0 }
                let connection = Unmanaged<BusConnection>.fromOpaque(userData).takeUnretainedValue()
                connection.onSignal?(BusReader(message: message))
                return 0
            },
            { message, _, _ in
                // Refusing a match would leave us deaf: end the connection so that it is tried again.
                guard let message, sd_bus_message_is_method_error(message, nil) > 0 else { return 0 }
                return -EIO
            },
            me
        )
        try check(result, "asking for signals")
    }

    /// Handles at most `limit` messages; true when there may be more. Throws when the connection is lost.
    func process(limit: Int) throws(SystemdBusError) -> Bool {
        for _ in 0..<limit {
            let result = sd_bus_process(bus, nil)
            if result < 0 { throw SystemdBusError(.noAnswer, "connection to systemd lost: \(errorText(-result))") }
            if result == 0 { return false }
        }
        return true
    }

    /// What to wait for until `process` has work again. Throws when the connection is lost.
    func wait() throws(SystemdBusError) -> BusThread.Wait {
        let descriptor = sd_bus_get_fd(bus)
        let events = sd_bus_get_events(bus)
        guard descriptor >= 0, events >= 0 else {
            throw SystemdBusError(.noAnswer, "connection to systemd lost: \(errorText(-min(descriptor, events)))")
        }
        var deadline = UInt64.max
        if sd_bus_get_timeout(bus, &deadline) < 0 { deadline = .max }
        return BusThread.Wait(descriptor: descriptor, events: Int16(events), deadline: deadline)
    }

    /// Ends the connection; every call still in flight is answered with `noAnswer`.
    func close() {
        guard !isClosed else { return }
        isClosed = true
        onSignal = nil
        // Closing frees libsystemd's side of the calls without running them, so their references are ours to drop.
        sd_bus_close(bus)
        let calls = pending.values
        pending = [:]
        for call in calls {
            Unmanaged.passUnretained(call).release()
            call.complete(.failure(SystemdBusError(.noAnswer, "connection to systemd lost")))
        }
    }
}
