import FleetModel
import Foundation
import Testing
import UnitFile

@testable import SystemdBus

struct PureTests {
    @Test(
        "The object path of a unit",
        arguments: [
            ("a.service", "a_2eservice"), ("web@1.service", "web_401_2eservice"), ("1.mount", "_31_2emount"),
            ("dev-a\\x2db.device", "dev_2da_5cx2db_2edevice"),
        ]
    )
    func path(unit: String, path: String) {
        #expect(SystemdName.path(of: unit) == "/org/freedesktop/systemd1/unit/" + path)
    }

    @Test(
        "The [Install] section",
        arguments: [
            ("", false, []),
            ("[Service]\n#[Install]\nExecStart=/a\n", false, []),
            ("[Service]\nExecStart=/a \\\n[Install]\n", false, []),
            ("[Install]\nWantedBy=a.target\n", true, []),
            ("[Unit]\r\n[Install]\r\nAlias = b.service c.service\r\n", true, ["b.service", "c.service"]),
            (
                "[Install]\nAlias=a.service\nAlias=\nAlias=b.service \\\n  c.service\n", true,
                ["b.service", "c.service"]
            ),
            ("[Install]\n[Unit]\nAlias=a.service\n", true, []),
        ]
    )
    func install(text: String, isPresent: Bool, aliases: [String]) {
        let section = InstallSection(of: text)
        #expect(section.isPresent == isPresent)
        #expect(section.aliases == aliases)
    }

    @Test("Whose .wants folder a link is in")
    func owner() throws {
        #expect(SystemdBus.owner(ofLink: "/run/systemd/system/a.target.wants/b.service") == (try UnitName("a.target")))
        #expect(SystemdBus.owner(ofLink: "/r/x@1.service.requires/b.service") == (try UnitName("x@1.service")))
        #expect(SystemdBus.owner(ofLink: "/run/systemd/system/alias.service") == nil)
    }

    @Test(
        "What the end of a check says of its unit",
        arguments: [
            (CheckEnding(result: "exit-code", code: 1, status: 3), nil, "exit status 3: no db"),
            (CheckEnding(result: "signal", code: 2, status: 9), nil, "killed by signal 9: no db"),
            (CheckEnding(result: "timeout", code: 2, status: 9), nil, "no answer within 5s: no db"),
            (CheckEnding(result: "timeout", code: 0, status: 0), nil, "no answer within 5s: no db"),
            (
                CheckEnding(result: "oom-kill", code: 0, status: 0), nil,
                "ran out of memory (more than 256 MiB): no db"
            ),
            (CheckEnding(result: "exit-code", code: 1, status: 255), nil, "exit status 255: no db"),
            (
                CheckEnding(result: "resources", code: 0, status: 0),
                "systemd could not run it (Result: resources)", nil
            ),
            (
                CheckEnding(result: "exit-code", code: 1, status: 203),
                "systemd could not run it (exit status 203, see systemd.exec(5))", nil
            ),
        ] as [(CheckEnding, String?, String?)]
    )
    func checkEnding(ending: CheckEnding, obstacle: String?, sentence: String?) {
        #expect(ending.obstacle == obstacle)
        if let sentence { #expect(ending.sentence("no db\n", within: .seconds(5)) == sentence) }
    }

    @Test("What fleet has seen to is not podman's to pull")
    func pinnedImage() {
        let text = "[Container]\nImage=quay.io/a:1"
        #expect(PinnedImage.text(text, as: nil, seenTo: nil) == text)
        #expect(
            PinnedImage.text(text, as: "quay.io/a@x", seenTo: ImagePull(name: "quay.io/a:1", policy: .always))
                == text + "\n[Container]\nImage=quay.io/a@x\nPodmanArgs=--pull=missing\n"
        )
        #expect(
            PinnedImage.text(text, as: nil, seenTo: ImagePull(name: "quay.io/a:1", policy: .never))
                == text + "\n[Container]\nPodmanArgs=--pull=never\n"
        )
    }

    @Test("An id in hexadecimal")
    func hexadecimal() {
        #expect(BusValue.bytes([0, 0x1f, 0xa0]).hexadecimal == "001fa0")
        #expect(BusValue.bytes([0, 0]).hexadecimal == "")
        #expect(BusValue.bytes([]).hexadecimal == "")
    }

    @Test("A journal line is cut between characters")
    func line() {
        #expect(JournalEntry.shortened("abcdef", to: 6) == "abcdef")
        #expect(JournalEntry.shortened("abcdefg", to: 6) == "abc…")
        #expect(JournalEntry.shortened("ééééé", to: 8) == "éé…")
        let entry = JournalEntry(
            at: Timestamp(milliseconds: 0),
            hostname: "m",
            identifier: "sh",
            pid: 7,
            priority: 6,
            message: "hello"
        )
        #expect(entry.line(bytes: 512) == "sh[7]: hello")
    }

    @Test(
        "systemd's complaint without the path",
        arguments: [
            ("/l/a.service:3: Executable path is not absolute: x", "line 3: Executable path is not absolute: x"),
            ("/l/a.service: Bad message", "Bad message"),
            ("a.service: Service has no ExecStart=.", "Service has no ExecStart=."),
            ("Something else", "Something else"),
        ]
    )
    func complaint(message: String, line: String) {
        #expect(SystemdJournal.complaint(message, unit: "a.service", file: "/l/a.service") == line)
    }

    @Test("A status of several lines cannot begin another assignment")
    func status() {
        #expect(ServiceNotifier.oneLine("a\nREADY=1") == "a READY=1")
    }

    @Test("A unit file on disk: written whole, linked, found, removed")
    func directory() throws {
        let root = NSTemporaryDirectory() + "fleet-units-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(atPath: root) }
        let directory = UnitDirectory(
            paths: SystemdPaths(root: root, links: "/run/links", units: "/run/mine"),
            timing: FenceTiming(lease: .seconds(10))
        )
        let unit = try UnitName("web@1.service")
        let folders = ["/etc/units", "/run/links"]
        #expect(directory.list().isEmpty && directory.foreignPath(of: unit, in: folders) == nil)

        let text = "[Service]\r\nExecStart=/é\n"
        try directory.install(unit, text)
        #expect(try Data(contentsOf: URL(fileURLWithPath: root + "/run/mine/web@1.service")) == Data(text.utf8))
        #expect(directory.list().map(\.0) == [unit] && directory.list().first?.1.file == ContentHash(of: text))
        #expect(directory.foreignPath(of: unit, in: folders) == nil)
        try directory.install(unit, "other")
        #expect(directory.text(of: unit) == "other")
        #expect(try FileManager.default.contentsOfDirectory(atPath: root + "/run/mine") == ["web@1.service"])

        // A link to the same file under another name is not a unit of ours, and neither is a file.
        let alias = root + "/run/links/alias.service"
        try FileManager.default.createSymbolicLink(atPath: alias, withDestinationPath: "/run/mine/web@1.service")
        try Data().write(to: URL(fileURLWithPath: root + "/run/links/file.service"))
        #expect(directory.list().map(\.0) == [unit])
        #expect(directory.foreignPath(of: try UnitName("alias.service"), in: folders) == "/run/links/alias.service")
        #expect(directory.foreignPath(of: try UnitName("alias.service"), in: folders, owner: unit) == nil)
        #expect(directory.foreignPath(of: try UnitName("file.service"), in: folders) == "/run/links/file.service")

        // A template of the machine's makes every instance of it.
        try FileManager.default.createDirectory(atPath: root + "/etc/units", withIntermediateDirectories: true)
        try Data().write(to: URL(fileURLWithPath: root + "/etc/units/web@.service"))
        #expect(directory.foreignPath(of: unit, in: folders) == "/etc/units/web@.service")

        directory.remove(unit)
        #expect(directory.list().isEmpty && directory.text(of: unit) == nil)
    }

    @Test("A socket is recognised by what it is")
    func sockets() throws {
        let path = NSTemporaryDirectory() + "s-\(UUID().uuidString.prefix(8))"
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        defer {
            close(descriptor)
            unlink(path)
        }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let bound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        #expect(bound == 0)
        #expect(!ActivatedSocket(descriptor: descriptor, name: "a").isUnixStream)
        #expect(listen(descriptor, 1) == 0)
        let socket = ActivatedSocket(descriptor: descriptor, name: "fleet")
        #expect(socket.isUnixStream && socket.path == path && socket.name == "fleet")
        #expect(!ActivatedSocket(descriptor: 0, name: "").isUnixStream)
    }

    @Test("This machine's identity")
    func identity() throws {
        guard let text = try? String(contentsOfFile: "/etc/machine-id", encoding: .utf8), text.utf8.count == 33 else {
            return
        }
        let identity = try MachineIdentity()
        #expect(identity.machine.description + "\n" == text)
        #expect(identity.boot.utf8.count == 32 && !identity.hostname.isEmpty)
    }
}
