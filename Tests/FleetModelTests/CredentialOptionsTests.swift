import FleetModel
import Testing
import UnitFile

/// `Config=`, `Secret=` and `RestartOnChange=`.
@Suite struct CredentialOptionsTests {
    private func text(_ options: FleetOptions) -> [String] {
        options.credentials.map { "\($0.source) as \($0.id)" }
    }

    @Test func names() throws {
        let options = try FleetSectionTests.options(
            "Secret=db-password\nConfig=app.conf:settings\nConfig=%p-%i\nRestartOnChange=restart",
            "web@7.service"
        )
        #expect(
            text(options) == [
                "config app.conf as settings", "config web-7 as web-7", "secret db-password as db-password",
            ]
        )
        #expect(options.restartsOnChange)
        #expect(try FleetSectionTests.options("Secret=a\nSecret=\n", "web.service").credentials == [])
        #expect(try !FleetSectionTests.options("Secret=a\nRestartOnChange=no", "web.service").restartsOnChange)
    }

    @Test(arguments: [
        ("Secret=.hidden", "not NAME or NAME:CREDENTIAL"), ("Secret=a:b:c", "not NAME or NAME:CREDENTIAL"),
        ("Secret=a/b", "not NAME or NAME:CREDENTIAL"), ("Config=a:", "not NAME or NAME:CREDENTIAL"),
        ("Config=a\nSecret=a", "which line 2 does already; write Secret=a:ANOTHER"),
        ("Config=a:x\nConfig=b:x", "which line 2 does already"),
        ("Secret=%H", "cannot depend on the machine"),
        ("RestartOnChange=reload", "a reload leaves the old ones in place; write restart"),
        ("RestartOnChange=yes", "write no or restart"),
    ])
    func errors(_ lines: String, _ message: String) {
        let error = FleetSectionErrorTests.error(lines)
        #expect(error?.message.contains(message) == true, "\(error?.message ?? "")")
    }

    @Test func onlyWhatRunsProcessesGetsThem() throws {
        let error = FleetSectionErrorTests.error("Secret=a", "web.timer")
        #expect(error?.message.contains("is for services") == true)
        let kube = #expect(throws: UnitFileError.self) {
            try UnitValidation.validate(
                name: UnitName("web.service"),
                source: QuadletName("web.kube"),
                text: "[Kube]\nYaml=/srv/web.yaml\n[X-Fleet]\nSecret=a\n"
            )
        }
        #expect(kube?.line == 4)
        #expect(kube?.message.contains("does not see systemd's credentials") == true)
        let container = "[Container]\nImage=localhost/own:1\n[X-Fleet]\nSecret=a\n"
        let (_, _, options) = try UnitValidation.validate(
            name: UnitName("web.service"),
            source: QuadletName("web.container"),
            text: container
        )
        #expect(text(options) == ["secret a as a"])
    }

    @Test func keyIDsAreMadeOfKeys() throws {
        let key = [UInt8](repeating: 0, count: 32)
        // printf '%064d' 0 | xxd -r -p | sha256sum
        #expect(SecretKeyID(ofKey: key).description == "66687aad")
        #expect(SecretKeyID("66687aad") == SecretKeyID(ofKey: key))
        for bad in ["", "66687aa", "66687aadd", "66687AAD", "6668 aad"] { #expect(SecretKeyID(bad) == nil) }
    }
}
