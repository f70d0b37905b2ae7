import CSystemd
package import FleetModel
import Glibc

/// Who this machine is, as systemd keeps it.
package struct MachineIdentity: Hashable, Sendable {
    /// machine-id(5).
    package var machine: MachineID
    /// New at each boot.
    package var boot: String
    /// What gethostname(2) says.
    package var hostname: String

    /// Reads the identity of the machine this process runs on.
    package init() throws(SystemdBusError) {
        var id = sd_id128_t()
        let result = sd_id128_get_machine(&id)
        guard result >= 0, let machine = MachineID(Self.text(of: id)) else {
            let reason = result < 0 ? errorText(-result) : "it is not a machine id"
            throw SystemdBusError(.file, "/etc/machine-id cannot be read: \(reason); see systemd-machine-id-setup(1)")
        }
        self.machine = machine
        try check(sd_id128_get_boot(&id), "reading the boot id")
        boot = Self.text(of: id)
        var buffer = [CChar](repeating: 0, count: 256)
        guard gethostname(&buffer, buffer.count - 1) == 0 else {
            throw SystemdBusError(.file, "the host name cannot be read: \(errorText(errno))")
        }
        hostname = String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    private static func text(of id: sd_id128_t) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return withUnsafeBytes(of: id) { bytes in
            String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
        }
    }
}
