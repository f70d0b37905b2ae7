import FleetModel

/// What is said of a transient unit (`StartTransientUnit` of org.freedesktop.systemd1(5)).
extension BusWriter {
    /// All arguments of the call: a unit with these properties, and no units beside it. `mode` says what becomes of
    /// jobs that systemd has already and that contradict.
    func transientUnit(
        _ name: String,
        mode: String = "replace",
        properties: () throws(SystemdBusError) -> Void
    ) throws(SystemdBusError) {
        try string(name)
        try string(mode)
        try container(BusType.array, "(sv)", properties)
        try container(BusType.array, "(sa(sv))") { () throws(SystemdBusError) in }
    }

    /// A service that is done when its command is.
    func command(_ arguments: [String]) throws(SystemdBusError) {
        try property("Type", text: "oneshot")
        try property("ExecStartEx", "a(sasas)") { () throws(SystemdBusError) in
            try container(BusType.array, "(sasas)") { () throws(SystemdBusError) in
                try container(BusType.structure, "sasas") { () throws(SystemdBusError) in
                    try string(arguments.first ?? "")
                    try strings(arguments)
                    // A `$` is the shell's, not systemd's.
                    try strings(["no-env-expand"])
                }
            }
        }
    }

    /// Where the service prints to.
    func output(_ descriptor: Int32) throws(SystemdBusError) {
        for name in ["StandardOutputFileDescriptor", "StandardErrorFileDescriptor"] {
            try property(name, "h") { () throws(SystemdBusError) in try self.descriptor(descriptor) }
        }
    }

    func property(_ name: String, text: String) throws(SystemdBusError) {
        try property(name, "s") { () throws(SystemdBusError) in try string(text) }
    }

    func property(_ name: String, texts: [String]) throws(SystemdBusError) {
        try property(name, "as") { () throws(SystemdBusError) in try strings(texts) }
    }

    func property(_ name: String, number: UInt64) throws(SystemdBusError) {
        try property(name, "t") { () throws(SystemdBusError) in try self.number(number) }
    }

    /// A time span, of which systemd takes 0 for none.
    func property(_ name: String, span: Duration) throws(SystemdBusError) {
        try property(name, number: UInt64(max(span.milliseconds, 1)) * 1000)
    }

    func property(
        _ name: String,
        _ type: String,
        _ value: () throws(SystemdBusError) -> Void
    ) throws(SystemdBusError) {
        try container(BusType.structure, "sv") { () throws(SystemdBusError) in
            try string(name)
            try container(BusType.variant, type, value)
        }
    }
}
