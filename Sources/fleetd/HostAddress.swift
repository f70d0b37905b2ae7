import FoundationEssentials
import NIOCore

/// The address that tables show for this machine when `public_ip` does not name one.
enum HostAddress {
    /// The first global address of the interface that has the default route, IPv4 before IPv6; empty when there is
    /// none.
    static func primary() -> String {
        let interfaces = defaultRouteInterfaces()
        guard let devices = try? System.enumerateDevices() else { return "" }
        let candidates = interfaces.isEmpty ? devices.map(\.name) : interfaces
        for name in candidates {
            let addresses = devices.filter { $0.name == name }.compactMap { $0.address }
            let v4 = addresses.first { if case .v4 = $0 { isGlobal($0.ipAddress) } else { false } }
            let v6 = addresses.first { if case .v6 = $0 { isGlobal($0.ipAddress) } else { false } }
            if let address = (v4 ?? v6)?.ipAddress { return address }
        }
        return ""
    }

    /// Loopback and link-local addresses reach nobody else.
    private static func isGlobal(_ address: String?) -> Bool {
        guard let address else { return false }
        return !address.hasPrefix("127.") && !address.hasPrefix("169.254.") && address != "::1"
            && !address.lowercased().hasPrefix("fe80:")
    }

    /// Column 1 of /proc/net/route is the interface, column 2 the destination: zero for the default route.
    private static func defaultRouteInterfaces() -> [String] {
        guard let data = try? Data(contentsOf: URL(filePath: "/proc/net/route")) else { return [] }
        return String(decoding: data, as: UTF8.self).split(separator: "\n").dropFirst().compactMap { line in
            let columns = line.split(separator: "\t")
            return columns.count > 1 && columns[1] == "00000000" ? String(columns[0]) : nil
        }
    }
}
