import Foundation
import Synchronization
import SystemdBus
import Testing

/// A real systemd as PID 1 of a container made from this machine's `/usr` (or from the root in `FLEET_TEST_ROOT`), with
/// journald and D-Bus, nothing else and no network. It boots in about a second, keeps nothing, and ends with this
/// process however that ends: its keeper waits for the end of a pipe.
final class TestMachine: Sendable {
    /// The container's PID 1, as seen from here.
    let leader: Int32
    private let keeper: Mutex<(Process, Pipe)>

    /// systemd believes only peers it can see, so the connection is made inside of the container.
    var address: SystemdAddress {
        let bridge = "/usr/bin/systemd-stdio-bridge,argv7=-punix%3apath=/run/systemd/private"
        return SystemdAddress(
            "unixexec:path=/usr/bin/nsenter,argv1=-t,argv2=\(leader),argv3=-m,argv4=-p,argv5=-C,argv6=\(bridge)"
        )
    }
    var paths: SystemdPaths { SystemdPaths(root: root) }
    var root: String { "/proc/\(leader)/root" }
    var journal: SystemdJournal { SystemdJournal(directory: root + "/var/log/journal") }

    /// Why no machine can be booted here; nil when one can.
    static let obstacle: String? = {
        if getuid() != 0 { return "a real systemd needs root" }
        let tools = ["systemd-nspawn", "systemd-stdio-bridge", "nsenter", "unshare"]
        if let tool = tools.first(where: { access("/usr/bin/" + $0, X_OK) != 0 }) {
            return "a real systemd needs \(tool) (packages systemd-container, util-linux)"
        }
        return nil
    }()

    /// Whether the machine has podman with Quadlet.
    static let hasQuadlet: Bool = {
        let root = ProcessInfo.processInfo.environment["FLEET_TEST_ROOT"] ?? ""
        return obstacle == nil && access(root + "/usr/libexec/podman/quadlet", X_OK) == 0
    }()

    private static let booted = Mutex<Result<TestMachine, TestFailure>?>(nil)

    /// The machine of this test process, booted by whoever asks first.
    static func shared() throws -> TestMachine {
        try booted.withLock { booted in
            let machine =
                booted
                ?? Result { () throws(TestFailure) in try TestMachine() }
            booted = machine
            return try machine.get()
        }
    }

    private static let keeperScript = """
        mount --make-rprivate /
        if ! grep -q ' /sys/fs/cgroup cgroup2 ' /proc/mounts; then
            umount -R /sys/fs/cgroup; mount -t cgroup2 cgroup2 /sys/fs/cgroup
        fi
        systemd-nspawn --quiet --register=no --keep-unit --directory="$1" --volatile=yes --machine="$2" \\
            --private-network --capability=all --console=pipe --boot systemd.unit=basic.target systemd.firstboot=no \\
            </dev/null >/dev/null 2>&1 &
        nspawn=$!
        echo $nspawn
        read -r end
        for leader in $(cat /proc/$nspawn/task/$nspawn/children); do kill -KILL $leader; done
        wait
        """

    private init() throws(TestFailure) {
        let keeper = Process()
        let (input, output) = (Pipe(), Pipe())
        let root = ProcessInfo.processInfo.environment["FLEET_TEST_ROOT"] ?? "/"
        keeper.executableURL = URL(fileURLWithPath: "/usr/bin/unshare")
        keeper.arguments = ["-m", "sh", "-c", Self.keeperScript, "keeper", root, "fleet-bus-\(getpid())"]
        keeper.standardInput = input
        keeper.standardOutput = output
        do { try keeper.run() } catch { throw TestFailure("the keeper cannot be started: \(error)") }
        self.keeper = Mutex((keeper, input))
        let text = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
        guard let nspawn = Int32(text.filter(\.isNumber)) else { throw TestFailure("no systemd-nspawn: '\(text)'") }
        var leader: Int32 = 0
        try eventually("the container's systemd") {
            let children = try? String(contentsOfFile: "/proc/\(nspawn)/task/\(nspawn)/children", encoding: .utf8)
            leader = children.flatMap { Int32($0.filter(\.isNumber)) } ?? 0
            return leader > 0 && access("/proc/\(leader)/root/run/systemd/private", F_OK) == 0
        }
        self.leader = leader
        let journals = "/proc/\(leader)/root/var/log/journal"
        try eventually("the container's journal") {
            let folders = (try? FileManager.default.contentsOfDirectory(atPath: journals)) ?? []
            return folders.contains { access(journals + "/" + $0 + "/system.journal", R_OK) == 0 }
        }
    }

    /// Runs a command inside and returns what it printed.
    @discardableResult
    func run(_ command: String) async throws -> String {
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/nsenter")
        process.arguments = ["-t", "\(leader)", "-m", "-u", "-i", "-n", "-p", "-C", "--", "sh", "-c", command]
        process.standardOutput = output
        process.standardError = output
        try process.run()
        return await withCheckedContinuation { continuation in
            // Reading blocks until the command and all that hold its output have ended.
            DispatchQueue.global().async {
                let data = output.fileHandleForReading.readDataToEndOfFile()
                process.waitUntilExit()
                continuation.resume(returning: String(decoding: data, as: UTF8.self))
            }
        }
    }

    /// Connects to a unix socket and returns its descriptor.
    static func connect(to path: String) throws(TestFailure) -> Int32 {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard result == 0 else { throw TestFailure("cannot connect to \(path): errno \(errno)") }
        return descriptor
    }

    /// A file inside exists (a dangling link too).
    func exists(_ path: String) -> Bool {
        var status = stat()
        return lstat(root + path, &status) == 0
    }
}

struct TestFailure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
