import CSystemd

/// Appends arguments to a method call. Confined to the bus thread; never kept.
struct BusWriter {
    let message: OpaquePointer

    func string(_ text: String) throws(SystemdBusError) {
        let result = text.withCString { sd_bus_message_append_basic(message, BusType.string, $0) }
        try check(result, "appending a string")
    }

    func bool(_ value: Bool) throws(SystemdBusError) {
        var number: Int32 = value ? 1 : 0
        try check(sd_bus_message_append_basic(message, BusType.bool, &number), "appending a boolean")
    }

    func number(_ value: UInt64) throws(SystemdBusError) {
        var number = value
        try check(sd_bus_message_append_basic(message, BusType.uint64, &number), "appending a number")
    }

    func int(_ value: Int32) throws(SystemdBusError) {
        var number = value
        try check(sd_bus_message_append_basic(message, BusType.int32, &number), "appending a number")
    }

    /// A copy of the descriptor travels with the message; the caller keeps and closes its own.
    func descriptor(_ value: Int32) throws(SystemdBusError) {
        var number = value
        try check(sd_bus_message_append_basic(message, BusType.descriptor, &number), "appending a descriptor")
    }

    func strings(_ texts: [String]) throws(SystemdBusError) {
        try container(BusType.array, "s") { () throws(SystemdBusError) in
            for text in texts { try string(text) }
        }
    }

    /// An array, structure or variant with the D-Bus signature `contents`.
    func container(
        _ type: CChar,
        _ contents: String,
        _ body: () throws(SystemdBusError) -> Void
    ) throws(SystemdBusError) {
        try check(sd_bus_message_open_container(message, type, contents), "opening a container")
        try body()
        try check(sd_bus_message_close_container(message), "closing a container")
    }
}

/// Reads a message from its beginning to its end. Confined to the bus thread; never kept beyond the callback.
struct BusReader {
    let message: OpaquePointer

    /// The object path of a signal.
    var path: String { sd_bus_message_get_path(message).map { String(cString: $0) } ?? "" }
    var member: String { sd_bus_message_get_member(message).map { String(cString: $0) } ?? "" }

    /// A string or object path.
    func string() throws(SystemdBusError) -> String {
        var text: UnsafePointer<CChar>?
        let type = try peek()
        try check(sd_bus_message_read_basic(message, type, &text), "reading a string")
        return text.map { String(cString: $0) } ?? ""
    }

    func uint32() throws(SystemdBusError) -> UInt32 {
        var value: UInt32 = 0
        try check(sd_bus_message_read_basic(message, BusType.uint32, &value), "reading a number")
        return value
    }

    func bool() throws(SystemdBusError) -> Bool {
        var value: Int32 = 0
        try check(sd_bus_message_read_basic(message, BusType.bool, &value), "reading a boolean")
        return value != 0
    }

    func strings() throws(SystemdBusError) -> [String] {
        try array(of: "s") { reader throws(SystemdBusError) in try reader.string() }
    }

    /// Every element of an array whose elements have the D-Bus signature `contents`.
    func array<Element>(
        of contents: String,
        _ element: (BusReader) throws(SystemdBusError) -> Element
    ) throws(SystemdBusError) -> [Element] {
        try check(sd_bus_message_enter_container(message, BusType.array, contents), "entering an array")
        var elements: [Element] = []
        while try check(sd_bus_message_at_end(message, 0), "reading an array") == 0 {
            elements.append(try element(self))
        }
        try check(sd_bus_message_exit_container(message), "leaving an array")
        return elements
    }

    func structure<Value>(
        of contents: String,
        _ body: (BusReader) throws(SystemdBusError) -> Value
    ) throws(SystemdBusError) -> Value {
        try check(sd_bus_message_enter_container(message, BusType.structure, contents), "entering a structure")
        let value = try body(self)
        try check(sd_bus_message_exit_container(message), "leaving a structure")
        return value
    }

    func skip(_ types: String) throws(SystemdBusError) {
        try check(sd_bus_message_skip(message, types), "skipping")
    }

    /// The value of `Properties.Get`: a variant.
    func variant() throws(SystemdBusError) -> BusValue {
        var type: CChar = 0
        var contents: UnsafePointer<CChar>?
        try check(sd_bus_message_peek_type(message, &type, &contents), "reading a variant")
        let signature = contents.map { String(cString: $0) } ?? ""
        try check(sd_bus_message_enter_container(message, BusType.variant, signature), "entering a variant")
        let value = try content(signature)
        try check(sd_bus_message_exit_container(message), "leaving a variant")
        return value
    }

    private func content(_ signature: String) throws(SystemdBusError) -> BusValue {
        switch signature {
        case "s", "o":
            return .text(try string())
        case "b":
            return .flag(try bool())
        case "u":
            return .number(Int64(try uint32()))
        case "i":
            var value: Int32 = 0
            try check(sd_bus_message_read_basic(message, BusType.int32, &value), "reading a number")
            return .number(Int64(value))
        case "t":
            var value: UInt64 = 0
            try check(sd_bus_message_read_basic(message, BusType.uint64, &value), "reading a number")
            return .number(Int64(clamping: value))
        case "as":
            return .texts(try strings())
        case "ay":
            var bytes: UnsafeRawPointer?
            var count = 0
            try check(sd_bus_message_read_array(message, BusType.byte, &bytes, &count), "reading bytes")
            return .bytes([UInt8](UnsafeRawBufferPointer(start: bytes, count: count)))
        case "(ss)":
            return try structure(of: "ss") { reader throws(SystemdBusError) in
                .texts([try reader.string(), try reader.string()])
            }
        default:
            try skip(signature)
            return .other
        }
    }

    private func peek() throws(SystemdBusError) -> CChar {
        var type: CChar = 0
        try check(sd_bus_message_peek_type(message, &type, nil), "reading a message")
        return type
    }
}

/// A property's value, as far as this module reads any.
enum BusValue: Hashable, Sendable {
    case text(String)
    case texts([String])
    case number(Int64)
    case flag(Bool)
    case bytes([UInt8])
    case other

    var text: String { if case .text(let value) = self { value } else { "" } }
    var texts: [String] { if case .texts(let value) = self { value } else { [] } }
    var number: Int64 { if case .number(let value) = self { value } else { 0 } }
    var flag: Bool { if case .flag(let value) = self { value } else { false } }

    /// Bytes in hexadecimal; empty when all are zero, which is how systemd writes "no id".
    var hexadecimal: String {
        guard case .bytes(let bytes) = self, bytes.contains(where: { $0 != 0 }) else { return "" }
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}

/// The type codes of the D-Bus specification that this module uses.
enum BusType {
    static let string = CChar(UInt8(ascii: "s"))
    static let bool = CChar(UInt8(ascii: "b"))
    static let byte = CChar(UInt8(ascii: "y"))
    static let int32 = CChar(UInt8(ascii: "i"))
    static let uint32 = CChar(UInt8(ascii: "u"))
    static let uint64 = CChar(UInt8(ascii: "t"))
    static let descriptor = CChar(UInt8(ascii: "h"))
    static let array = CChar(UInt8(ascii: "a"))
    static let structure = CChar(UInt8(ascii: "r"))
    static let variant = CChar(UInt8(ascii: "v"))
}
