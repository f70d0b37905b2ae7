import Foundation
import Glibc

/// Where a member listens: an address of the loopback network that nothing else has, with etcd's own ports.
package struct EtcdAddress: Hashable, Sendable {
    /// What clients write: the address, or a name that resolves to it.
    package var name: String
    package var address: String
    package var clientPort = 2379
    package var peerPort = 2380

    /// Of 16 million, one that is free by all likelihood.
    package static func fresh() -> EtcdAddress {
        let address = "127.\((1...3).map { _ in String(Int.random(in: 1...254)) }.joined(separator: "."))"
        return EtcdAddress(name: address, address: address)
    }

    /// 127.0.0.1 under its name, with ports that were free just now.
    package static func localhost() throws -> EtcdAddress {
        let ports = [try freePort(), try freePort()]
        return EtcdAddress(name: "localhost", address: "127.0.0.1", clientPort: ports[0], peerPort: ports[1])
    }

    private static func freePort() throws -> Int {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let code = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                bind(descriptor, generic, length) == 0 ? getsockname(descriptor, generic, &length) : -1
            }
        }
        guard code == 0 else { throw POSIXError(.EADDRNOTAVAIL) }
        return Int(UInt16(bigEndian: address.sin_port))
    }
}
