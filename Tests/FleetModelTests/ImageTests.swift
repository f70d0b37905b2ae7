import FleetModel
import Testing
import UnitFile

/// Images: their names, and the keys of `[X-Fleet]` about them.
@Suite struct ImageTests {
    @Test(
        arguments: [
            ("docker.io/library/busybox:1.36", "docker.io/library/busybox:1.36"),
            ("docker.io/busybox", "docker.io/library/busybox"),
            ("busybox", "busybox"),
            ("team/app:2", "team/app:2"),
            ("localhost:5000/app", "localhost:5000/app"),
            ("docker://quay.io/a/b:c", "quay.io/a/b:c"),
            ("oci-archive:/tmp/x.tar", nil),
            ("dir:/tmp/x", nil),
            ("", nil),
            ("quay.io/a b", nil),
            ("quay.io/a:", nil),
            ("quay.io/a@sha256:12", nil),
        ] as [(String, String?)]
    ) func names(text: String, means: String?) { #expect(ImageName(text)?.description == means) }

    @Test func aDigestCountsMoreThanATag() throws {
        let digest = "sha256:" + String(repeating: "0a", count: 32)
        let name = try #require(ImageName("quay.io/a/b:1@\(digest)"))
        #expect(name.description == "quay.io/a/b@\(digest)")
        #expect(try #require(ImageName("quay.io/a/b:1")).pinned(to: digest) == name)
        #expect(!name.matches(try #require(ImageName("quay.io/a/b:1"))))
        #expect(name.matches(name))
    }

    @Test(
        arguments: [
            ("busybox", "docker.io/library/busybox:latest", true),
            ("busybox:1", "docker.io/library/busybox:latest", false),
            ("docker.io/busybox", "docker.io/library/busybox:latest", true),
            ("quay.io/busybox", "docker.io/library/busybox:latest", false),
            ("app:2", "localhost/app:2", true),
        ]
    ) func isThere(name: String, stored: String, expected: Bool) throws {
        let (name, stored) = (try #require(ImageName(name)), try #require(ImageName(stored)))
        #expect(name.matches(stored) == expected)
        #expect(name.fullNames.contains(stored) == expected)
    }

    @Test(
        arguments: [
            ("", ImagePolicy.missing),
            ("Pull=always\n", .always),
            ("Pull=always\n[X-Fleet]\nPullPolicy=newer\n", .newer),
            // podman is told how to fetch it: that is left to podman.
            ("PodmanArgs=--authfile=/root/auth.json\n", nil),
            ("PodmanArgs=--authfile=/root/auth.json\n[X-Fleet]\nPullPolicy=missing\n", .missing),
            ("GlobalArgs=--log-level=debug\n", nil),
            ("[Service]\nEnvironment=HTTPS_PROXY=http://proxy:3128\n", nil),
            ("[Service]\nEnvironment=PORT=80\n", .missing),
        ] as [(String, ImagePolicy?)]
    ) func policies(rest: String, policy: ImagePolicy?) throws {
        let unit = try unit("[Container]\nImage=docker.io/library/web:%i\n" + rest, "web@7.container")
        #expect(unit.imagePull?.policy == policy)
        if policy != nil { #expect(unit.imagePull?.name == "docker.io/library/web:7") }
    }

    @Test func aLoginIsASecretOfTheUnit() throws {
        let unit = try unit("[Container]\nImage=quay.io/a/b:1\n[X-Fleet]\nRegistryAuth=quay\n", "web.container")
        #expect(unit.imagePull?.auth == CredentialName("quay"))
        #expect(unit.options.credentials.map(\.id) == [.registryAuth])
        #expect(unit.options.credentials.map(\.source.description) == ["secret quay"])
    }

    @Test(
        arguments: [
            ("web.container", "Image=a.image", "PinImage=yes", "Image=a.image is none"),
            ("web.container", "Rootfs=/srv/x", "PullPolicy=always", "only .container files have one"),
            ("app.network", "", "RegistryAuth=quay", "that podman fetches images for"),
            ("web@.container", "Image=quay.io/a:%i", "PinImage=yes", "cannot know a template's image"),
            ("web.container", "Image=busybox:1", "PinImage=yes", "as in docker.io/library/busybox:1"),
            ("web.container", "Image=team/web", "PinImage=yes", "as in docker.io/team/web"),
            ("web.container", "Image=quay.io/a", "PullPolicy=sometimes", "write one of always, missing, newer, never"),
            ("web.container", "Image=quay.io/a", "PullTimeoutSec=0", "at least 1s"),
            ("web.container", "Image=quay.io/a", "RegistryAuth=a/b", "not the name of a secret"),
            ("web.container", "Image=quay.io/a", "Secret=x:fleet.registry-auth", "write another name"),
        ]
    ) func mistakes(name: String, own: String, key: String, words: String) throws {
        let source = try QuadletName(name)
        let text = "[\(source.kind.section)]\n\(own)\n[X-Fleet]\n\(key)\n"
        do throws(UnitFileError) {
            _ = try UnitValidation.validate(name: source.standardService, source: source, text: text, path: name)
            Issue.record("accepted")
        } catch {
            #expect("\(error)".contains(words))
            #expect(error.line >= 4, "\(error)")
        }
    }

    @Test func aPlainServiceHasNoImage() {
        let text = "[Service]\nExecStart=/bin/true\n[X-Fleet]\nPullPolicy=always\n"
        #expect(throws: UnitFileError.self) {
            try UnitValidation.validate(name: try UnitName("a.service"), text: text)
        }
    }

    private func unit(_ text: String, _ name: String) throws -> Unit {
        let source = try QuadletName(name)
        let file = try ParsedUnitFile.parse(text)
        let user = Provenance(at: Timestamp(milliseconds: 0), by: "test")
        return Unit(
            name: source.standardService,
            intent: UnitIntent(file: ContentHash(of: text), generation: 1, submitted: user, source: source),
            target: UnitTarget(state: .launched, generation: 1, set: user),
            options: try FleetSection.parse(file).options(for: source.standardService),
            quadlet: QuadletFacts(of: source.kind, file)
        )
    }
}
