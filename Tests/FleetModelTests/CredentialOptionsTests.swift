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
        #expect(options.onChange == .restart)
        #expect(try FleetSectionTests.options("Secret=a\nSecret=\n", "web.service").credentials == [])
        #expect(try FleetSectionTests.options("Secret=a\nRestartOnChange=no", "web.service").onChange == .nothing)
    }

    @Test(arguments: [
        ("Secret=.hidden", "not NAME or NAME:CREDENTIAL"), ("Secret=a:b:c", "not NAME or NAME:CREDENTIAL"),
        ("Secret=a/b", "not NAME or NAME:CREDENTIAL"), ("Config=a:", "not NAME or NAME:CREDENTIAL"),
        ("Config=a\nSecret=a", "which line 2 does already; write Secret=a:ANOTHER"),
        ("Config=a:x\nConfig=b:x", "which line 2 does already"),
        ("Secret=%H", "cannot depend on the machine"),
        ("RestartOnChange=reload", "write ExecReload= in [Service], or restart here"),
        ("RestartOnChange=yes", "write no, reload or restart"),
    ])
    func errors(_ lines: String, _ message: String) {
        let error = FleetSectionErrorTests.error(lines)
        #expect(error?.message.contains(message) == true, "\(error?.message ?? "")")
    }

    /// The service has to know how it is reloaded, by whichever of these.
    @Test(arguments: [
        ("web.service", "[Service]\nExecStart=/bin/web\nExecReload=/bin/kill -HUP $MAINPID\n", true),
        ("web.service", "[Service]\nType=notify-reload\nExecStart=/bin/web\n", true),
        ("web.service", "[Service]\nExecReload=/bin/kill\nExecReload=\n", false),
        ("web.service", "[Service]\nType=notify\n", false),
        ("web.container", "[Container]\nImage=localhost/own:1\n", false),
        ("web.container", "[Container]\nImage=localhost/own:1\nReloadSignal=HUP\n", true),
        ("web.container", "[Container]\nImage=localhost/own:1\n[Service]\nExecReload=podman kill web\n", true),
    ])
    func reload(_ name: String, _ text: String, _ isAccepted: Bool) throws {
        let unit = try UnitName("web.service")
        var problem = ""
        do throws(UnitFileError) {
            let (_, _, options) = try UnitValidation.validate(
                name: unit,
                source: try? QuadletName(name),
                text: text + "[X-Fleet]\nConfig=a\nRestartOnChange=reload\n"
            )
            #expect(options.onChange == .reload)
        } catch {
            problem = error.message
        }
        #expect(isAccepted ? problem == "" : problem.contains("write ExecReload= in [Service], or restart here"))
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
