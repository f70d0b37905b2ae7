import FleetAgent
import FleetModel
import FleetRuntime
import Foundation
import Testing

@testable import SystemdBus

/// Pulls and look-ups as systemd really runs them, with programs in place of podman and skopeo.
extension RealSystemd {
    @Test("A pull that was cancelled does no harm to the next one of its image")
    func pullIsAskedForAgain() async throws {
        try await Rig.withPrograms { rig, images in
            for _ in 0..<5 {
                try await rig.machine.run("rm -f /tmp/go /tmp/begun")
                let first = Task { await images.pull(ImagePull(name: "quay.io/a:1")) { _ in } }
                try await rig.machine.wait(for: "test -e /tmp/begun")
                first.cancel()
                let second = Task { await images.pull(ImagePull(name: "quay.io/a:1")) { _ in } }
                guard case .notRun = await first.value else { return #expect(Bool(false)) }
                try await rig.machine.run("touch /tmp/go")
                try await expectPulled(second)
            }
            // And when nobody asks again, nothing is left.
            try await rig.machine.run("rm -f /tmp/go /tmp/begun")
            let last = Task { await images.pull(ImagePull(name: "quay.io/a:1")) { _ in } }
            try await rig.machine.wait(for: "test -e /tmp/begun")
            last.cancel()
            try await rig.waitForNoPulls()
        }
    }

    @Test("Units that want one image wait for one pull, which goes on while one of them does")
    func pullIsShared() async throws {
        try await Rig.withPrograms { rig, images in
            let first = Task { await images.pull(ImagePull(name: "quay.io/a:1")) { _ in } }
            try await rig.machine.wait(for: "test -e /tmp/begun")
            let second = Task { await images.pull(ImagePull(name: "quay.io/a:1")) { _ in } }
            let third = Task { await images.pull(ImagePull(name: "quay.io/fails:1")) { _ in } }
            #expect(
                await third.value
                    == .failed(reason: "the image quay.io/fails:1 cannot be pulled: manifest unknown")
            )
            first.cancel()
            _ = await first.value
            try await rig.machine.run("touch /tmp/go")
            try await expectPulled(second)
            #expect(try await rig.machine.run("wc -l </tmp/begun") == "2\n")
            try await rig.waitForNoPulls()
        }
    }

    @Test("A pull goes on while fleetd restarts; one that nobody wants then ends")
    func pullOutlivesFleetd() async throws {
        let image = ImagePull(name: "quay.io/a:1")
        try await Rig.withPrograms { rig, images in
            let pulls = ["quay.io/a:1", "quay.io/b:1"].map { name in
                Task { await images.pull(ImagePull(name: name)) { _ in } }
            }
            try await rig.machine.wait(for: "test $(wc -l </tmp/begun) = 2")
            // As when fleetd is killed: nobody ends them.
            _ = pulls
        }
        try await Rig.with { rig in
            let images = PodmanImages(systemd: rig.bus, storage: "/nowhere", clock: TestClock())
            await images.endPulls(except: [image])
            #expect(try await rig.machine.run("systemctl list-units --no-legend 'fleet-pull-*' | wc -l") == "1\n")
            let pull = Task { await images.pull(image) { _ in } }
            try await rig.machine.run("touch /tmp/go")
            try await expectPulled(pull)
            #expect(try await rig.machine.run("wc -l </tmp/begun") == "2\n")
            try await rig.waitForNoPulls()
        }
    }

    @Test("With PullPolicy=never podman is asked where its list is not known")
    func neverPulled() async throws {
        try await Rig.withPrograms { rig, images in
            let there = ImagePull(name: "quay.io/there:1", policy: .never)
            #expect(await images.pull(there) { _ in } == .present)
            let absent = ImagePull(name: "quay.io/a:1", policy: .never)
            #expect(
                await images.pull(absent) { _ in }
                    == .failed(reason: "the image quay.io/a:1 is not on this machine (PullPolicy=never)")
            )
            #expect(!rig.machine.exists("/tmp/begun"))
            try await rig.waitForNoPulls()
        }
    }

    @Test("Two that look up one image get one answer")
    func lookUpIsShared() async throws {
        try await Rig.withPrograms { rig, images in
            let name = try #require(ImageName("quay.io/a:1"))
            async let first = images.digest(of: name, auth: nil)
            async let second = images.digest(of: name, auth: nil)
            let digest = try await first
            #expect(ImageName.isDigest(digest))
            #expect(try await second == digest)
            #expect(try await images.digest(of: name, auth: nil) == digest)
            let other = try #require(ImageName("quay.io/fails:1"))
            await #expect(throws: ImageLookupError.self) { try await images.digest(of: other, auth: nil) }
            // Nobody hands out secrets here.
            do {
                _ = try await images.digest(of: name, auth: CredentialName("login"))
                Issue.record("looked up without its login")
            } catch {
                #expect("\(error)".contains("its login, the secret login (RegistryAuth=), cannot be had"), "\(error)")
            }
            try await rig.waitForNoPulls()
            #expect(try await rig.machine.run("ls /run | grep -c fleet-pull") == "0\n")
        }
    }
}

private func expectPulled(_ task: Task<PullResult, Never>) async throws {
    let result = await task.value
    guard case .pulled = result else { throw TestFailure("not pulled: \(result)") }
}

extension Rig {
    /// `podman pull` notes that it has begun, and ends when the file `/tmp/go` is there.
    private static let podman = """
        #!/bin/sh
        case $* in "image exists "*there*) exit 0 ;; "image exists "*) exit 1 ;; esac
        echo "$2" >>/tmp/begun
        case $2 in *fails*) echo "Error: manifest unknown" >&2; exit 125 ;; esac
        until [ -e /tmp/go ]; do sleep 0.1; done
        """
    /// As skopeo does it, of a manifest list that has nothing for this machine.
    private static let skopeo = """
        #!/bin/sh
        case "$*" in
        "inspect --raw docker://"*fails*) echo "manifest unknown" >&2; exit 1 ;;
        "inspect --raw docker://"*) sleep 0.3; echo '{"manifests":[]}' ;;
        "manifest-digest "*) echo "sha256:$(sha256sum <"$2" | cut -d" " -f1)" ;;
        *) echo "unknown: $*" >&2; exit 1 ;;
        esac
        """

    fileprivate static func withPrograms(_ body: (Rig, PodmanImages) async throws -> Void) async throws {
        try await Rig.with { rig in
            try await rig.machine.run(
                "mountpoint -q /usr/local/bin || mount -t tmpfs none /usr/local/bin; rm -f /tmp/go /tmp/begun"
            )
            for (name, text) in [("podman", podman), ("skopeo", skopeo)] {
                try Data(text.utf8).write(to: URL(filePath: "\(rig.machine.root)/usr/local/bin/\(name)"))
                try await rig.machine.run("chmod 755 /usr/local/bin/\(name)")
            }
            try await body(rig, PodmanImages(systemd: rig.bus, storage: "/nowhere", clock: TestClock()))
        }
    }

    fileprivate func waitForNoPulls() async throws {
        try await machine.wait(for: "test -z \"$(systemctl list-units --all --no-legend 'fleet-pull-*')\"")
    }
}

/// Nobody looks at how far a pull is: whoever sleeps does so until the end.
private struct TestClock: WallClock {
    private let start = ContinuousClock.now

    func now() -> Timestamp { Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1000)) }
    func elapsed() -> Duration { start.duration(to: .now) }
    func sleep(for duration: Duration) async throws {
        let (days, day) = AsyncStream.makeStream(of: Never.self)
        for await _ in days {}
        day.finish()
        throw CancellationError()
    }
}
