import Glibc

enum ProcessUser {
    static var id: UInt32 { getuid() }
}
