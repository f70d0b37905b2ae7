import FleetModel
import Testing
import UnitFile

/// `HealthCmd=` and its family: what they mean, and what is refused.
@Suite struct HealthKeysTests {
    private static func validate(_ lines: String, _ service: String = "", _ name: String = "web.service") throws
        -> HealthCheck?
    {
        let text = "[Service]\nExecStart=/bin/true\n\(service)\n[X-Fleet]\n\(lines)\n"
        return try UnitValidation.validate(name: try UnitName(name), text: text).2.health
    }

    private static func message(_ lines: String, _ service: String = "", _ name: String = "web.service") -> String {
        do {
            let check = try validate(lines, service, name)
            return "accepted: \(String(describing: check))"
        } catch {
            return "\(error)"
        }
    }

    @Test func defaults() throws {
        #expect(try Self.validate("") == nil)
        let check = try #require(try Self.validate("HealthCmd=/opt/web/check --deep"))
        #expect(check.probe == .command("/opt/web/check --deep"))
        #expect(check.interval == .seconds(30) && check.timeout == .seconds(30) && check.retries == 3)
        #expect(check.startPeriod == .zero && !check.restartsFirst)
    }

    @Test func everything() throws {
        let lines = """
            HealthHTTP=http://10.0.0.1/x?y=1
            HealthIntervalSec=1min 30s
            HealthTimeoutSec=500ms
            HealthRetries=7
            HealthStartPeriodSec=0
            """
        let check = try #require(try Self.validate(lines, "Restart=on-failure"))
        #expect(check.interval == .seconds(90) && check.timeout == .milliseconds(500) && check.retries == 7)
        #expect(check.startPeriod == .zero && check.restartsFirst)
        #expect(try Self.validate(lines, "Restart=no")?.restartsFirst == false)
    }

    /// The shell reads the command, not fleet.
    @Test(arguments: [
        (#""/opt/my web/check" --name "a b""#, #""/opt/my web/check" --name "a b""#),
        (
            "test -e /run/%N && curl -fs localhost:%i || exit 1",
            "test -e /run/web@80 && curl -fs localhost:80 || exit 1"
        ),
        ("test $(date +%%s) -gt 0", "test $(date +%s) -gt 0"),
    ])
    func commands(text: String, command: String) throws {
        #expect(try Self.validate("HealthCmd=\(text)", "", "web@80.service")?.probe == .command(command))
    }

    @Test(arguments: [
        ("http://db.example:8080/a/b?c", "http://db.example:8080/a/b?c"),
        ("HTTP://web/", "http://web:80/"),
        ("http://web", "http://web:80/"),
        ("http://[::1]:8080/x", "http://[::1]:8080/x"),
        ("http://:81/x", "http://127.0.0.1:81/x"),
        (":8080/healthz", "http://127.0.0.1:8080/healthz"),
        ("8080/healthz", "http://127.0.0.1:8080/healthz"),
        ("8080", "http://127.0.0.1:8080/"),
        ("80%i/x", "http://127.0.0.1:8080/x"),
    ])
    func requests(text: String, url: String) throws {
        guard case .http(let target)? = try Self.validate("HealthHTTP=\(text)", "", "web@80.service")?.probe else {
            return #expect(Bool(false))
        }
        #expect(target.url == url)
        #expect(try HealthTarget(http: url) == target)
    }

    @Test(arguments: [
        ("5432", "127.0.0.1:5432"), (":5432", "127.0.0.1:5432"), ("db:5432", "db:5432"), ("[::1]:53", "[::1]:53"),
        ("10.0.0.7:1", "10.0.0.7:1"),
    ])
    func connections(text: String, address: String) throws {
        guard case .tcp(let target)? = try Self.validate("HealthTCP=\(text)")?.probe else {
            return #expect(Bool(false))
        }
        #expect(target.address == address && target.path.isEmpty)
        #expect(try HealthTarget(tcp: address) == target)
    }

    @Test(arguments: [
        ("HealthCmd=x\nHealthTCP=80", "web.service:6:11: HealthTCP= cannot be used with HealthCmd= of line 5"),
        ("HealthTCP=80\nHealthHTTP=80", "HealthHTTP= cannot be used with HealthTCP= of line 5"),
        ("HealthHTTP=80\nHealthCmd=x", "HealthCmd= cannot be used with HealthHTTP= of line 5"),
        ("HealthIntervalSec=5", "HealthIntervalSec= is about a check that the unit does not have; add HealthCmd="),
        ("HealthCmd=\nHealthRetries=5", "HealthRetries= is about a check that the unit does not have"),
        ("HealthCmd=x\nHealthRetries=0", "HealthRetries=0 is not a number from 1 to 1000"),
        ("HealthCmd=x\nHealthRetries=-1", "is not a number from 1 to 1000"),
        ("HealthCmd=x\nHealthRetries=99999999999999999999", "is not a number from 1 to 1000"),
        ("HealthCmd=x\nHealthIntervalSec=999ms", "is not a time span from 1s to 1d"),
        ("HealthCmd=x\nHealthIntervalSec=infinity", "is not a time span from 1s to 1d"),
        ("HealthCmd=x\nHealthTimeoutSec=0", "is not a time span from 1ms to 1d"),
        ("HealthCmd=x\nHealthStartPeriodSec=2d", "is not a time span up to 1d"),
        ("HealthCmd=x %H", "HealthCmd= cannot depend on the machine"),
        ("HealthCmd=date +%s", "unknown specifier %s"),
        ("HealthCmdd=x", "did you mean HealthCmd=?"),
        ("HealthTimeout=5", "did you mean HealthTimeoutSec=?"),
        ("HealthHTTP=https://web/x", "use HealthCmd=curl --fail --silent https://web/x"),
        ("HealthHTTP=ftp://web/x", "is not a URL of http"),
        ("HealthHTTP=web/x", "'web' has no port; write http://HOST:PORT/PATH"),
        ("HealthHTTP=http:///x", "has no port"),
        ("HealthHTTP=http://web:0/", "'0' is not a port from 1 to 65535"),
        ("HealthHTTP=http://web:65536/", "'65536' is not a port"),
        ("HealthHTTP=http://me:secret@web/", "is not a port"),
        ("HealthHTTP=http://me@web/", "'me@web' is not the name of a host"),
        ("HealthHTTP=:80/a b", "is no path of a request"),
        ("HealthHTTP=:80/ä", "is no path of a request"),
        ("HealthHTTP=:80/a#b", "is no path of a request"),
        ("HealthHTTP=:80?x", "is no path of a request"),
        ("HealthHTTP=http://[::1/x", "has no ]"),
        ("HealthHTTP=http://[x]:1/", "is not an address"),
        ("HealthTCP=db", "'db' has no port; write PORT or HOST:PORT"),
        ("HealthTCP=::1:53", "is not a port"),
        ("HealthTCP=80/x", "is not the name of a host"),
    ])
    func refused(lines: String, expected: String) {
        let message = Self.message(lines)
        #expect(message.contains(expected), "\(message)")
    }

    @Test func whereTheyCannotWork() {
        let text = "[Timer]\nOnBootSec=1\n[X-Fleet]\nHealthTCP=80\n"
        #expect(throws: UnitFileError.self) {
            try UnitValidation.validate(name: try UnitName("web.timer"), text: text)
        }
        let message = Self.message("HealthTCP=80", "PrivateNetwork=yes")
        #expect(message.contains("cannot reach a service with PrivateNetwork=yes; use HealthCmd="), "\(message)")
        #expect(!Self.message("HealthTCP=80", "PrivateNetwork=no").contains("PrivateNetwork"))
        #expect(!Self.message("HealthCmd=x", "PrivateNetwork=yes").contains("PrivateNetwork"))
    }

    private static func quadlet(_ name: String, _ text: String) throws -> [String] {
        let source = try QuadletName(name)
        let service = try source.service(try ParsedUnitFile.parse(text, path: name))
        let (file, _, _) = try UnitValidation.validate(name: service, source: source, text: text)
        return UnitValidation.warnings(name: service, source: source, file: file)
    }

    @Test func containers() throws {
        let container = "[Container]\nImage=localhost/x:1\n"
        #expect(try Self.quadlet("web.container", container + "[X-Fleet]\nHealthHTTP=:8080/\n").isEmpty)
        let errors = [
            (
                "web.container", container + "[X-Fleet]\nHealthCmd=x\n",
                "use HealthCmd= and HealthOnFailure=kill of [Container]"
            ),
            ("data.volume", "[Volume]\n[X-Fleet]\nHealthTCP=80\n", "does nothing in a .volume file"),
        ]
        for (name, text, expected) in errors {
            do {
                _ = try Self.quadlet(name, text)
                Issue.record("\(name) was accepted")
            } catch {
                #expect("\(error)".contains(expected), "\(error)")
            }
        }
        for (lines, expected) in [
            ("HealthCmd=x\nHealthOnFailure=kill\n", nil), ("HealthCmd=none\n", nil),
            ("HealthCmd=x\n", "nobody acts on it; add HealthOnFailure=kill"),
            ("HealthCmd=x\nHealthOnFailure=restart\n", "use kill"),
            ("HealthCmd=x\nHealthOnFailure=stop\n", "stays down; use kill"),
        ] {
            let warnings = try Self.quadlet("web.container", container + lines)
            #expect(warnings.isEmpty == (expected == nil))
            if let expected { #expect(warnings.first?.contains(expected) == true, "\(warnings)") }
        }
    }

    @Test(
        arguments: [
            ("", nil), ("HealthCmd=x\n", nil), ("HealthCmd=none\nHealthOnFailure=kill\n", nil),
            ("HealthCmd=x\nHealthOnFailure=none\n", nil), ("HealthCmd=x\nHealthOnFailure=kill\n", 180),
            (
                "HealthCmd=x\nHealthOnFailure=kill\nHealthInterval=1m\nHealthTimeout=5s\nHealthRetries=2\n"
                    + "HealthStartPeriod=1m30s\n", 220
            ),
        ] as [(String, Int64?)]
    )
    func podmansVerdict(lines: String, seconds: Int64?) throws {
        let file = try ParsedUnitFile.parse("[Container]\nImage=quay.io/a\n" + lines)
        #expect(QuadletFacts(of: .container, file).check?.verdict == seconds.map { .seconds($0) })
    }

    @Test(arguments: [
        ("", ""), ("ok\n", "ok"), ("a\n\n b \nc\nd\n", "b | c | d"), ("\u{1b}[31mred\u{7}\n", "[31mred"),
        (String(repeating: "x", count: 600), "…" + String(repeating: "x", count: 509)),
        (String(repeating: "ü", count: 600), "…" + String(repeating: "ü", count: 254)),
    ])
    func output(text: String, expected: String) {
        #expect(HealthOutput.text(text) == expected)
        #expect(HealthOutput.text(text).utf8.count <= Limits.healthOutputBytes)
    }
}
