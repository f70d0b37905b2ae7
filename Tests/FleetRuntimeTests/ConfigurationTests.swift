import FleetRuntime
import Testing

@Suite struct ConfigurationTests {
    func load(_ text: String?, _ environment: [String: String] = [:]) throws -> LoadedConfiguration {
        try Configuration.load(file: text, path: "/etc/fleet/fleet.conf", environment: environment)
    }

    @Test func noFileIsTheDefaults() throws {
        let loaded = try load(nil)
        #expect(loaded.configuration == Configuration())
        #expect(loaded.warnings.isEmpty)
    }

    @Test func everyKeyIsRead() throws {
        let text = """
            # comment
            ; comment
            verbosity=1
            registry = "embedded"
            metadata = "rack=a, disk=ssd"
            public_ip=10.0.0.1\r
            agent_ttl = 1m30s
            token_limit=7
            disable_engine = yes
            etcd_key_prefix = /x/
            """
        let configuration = try load(text).configuration
        #expect(configuration.verbosity == 1)
        #expect(configuration.metadata == ["rack": "a", "disk": "ssd"])
        #expect(configuration.publicIP == "10.0.0.1")
        #expect(configuration.agentTTL == .seconds(90))
        #expect(configuration.tokenLimit == 7)
        #expect(configuration.disableEngine)
        #expect(configuration.keyPrefix == "/x/")
    }

    @Test func theEnvironmentWins() throws {
        let configuration = try load("verbosity=1", ["FLEET_VERBOSITY": "2", "PATH": "/bin"]).configuration
        #expect(configuration.verbosity == 2)
    }

    @Test(arguments: [
        ("verbosity=9", "/etc/fleet/fleet.conf:1: verbosity = 9: give a number from 0 to 2"),
        ("\n\nmetadat=a=b", "/etc/fleet/fleet.conf:3: unknown key \"metadat\""),
        ("metadata=a", "/etc/fleet/fleet.conf:1: metadata = a: \"a\" is not key=value"),
        ("metadata=a=b,a=c", "is there twice"), ("agent_ttl=soon", "give a duration such as 10s"),
        ("agent_ttl=0s", "between 1s and 1h"), ("agent_ttl=", "give a duration"),
        ("disable_engine=maybe", "true or false"),
        ("token_limit=0", "1 to 65535"), ("[fleet]", "no sections"), ("nonsense", "not `key = value`"),
        ("verbosity=1\nverbosity=2", "/etc/fleet/fleet.conf:2: verbosity is set in line 1 already"),
        ("registry=consul", "give embedded or etcd"), ("public_ip=here", "IPv4 or IPv6"),
    ])
    func mistakesNameTheirLine(text: String, message: String) {
        let error = #expect(throws: ConfigurationError.self) { try load(text) }
        #expect(error?.description.contains(message) == true, "\(String(describing: error))")
    }

    @Test func aWrongVariableIsNamed() {
        let error = #expect(throws: ConfigurationError.self) { try load(nil, ["FLEET_VERBOSTY": "1"]) }
        #expect(error?.place == "the variable FLEET_VERBOSTY")
    }

    @Test func oldKeysAreAcceptedWithAWarning() throws {
        let loaded = try load("engine_reconcile_interval=2.0\nenable_grpc=true")
        #expect(loaded.warnings.count == 2)
        #expect(loaded.warnings.first?.hasPrefix("/etc/fleet/fleet.conf:1: engine_reconcile_interval") == true)
    }

    @Test func everyKeyOfEtcdIsRead() throws {
        let text = """
            registry = etcd
            etcd_servers = https://etcd1.example,https://[fd00::1]:4001/
            etcd_cafile = /etc/fleet/ca.pem
            etcd_certfile = %d/etcd-cert
            etcd_keyfile = %d/etcd-key
            etcd_username = fleet
            etcd_password_file = /etc/fleet/password
            etcd_request_timeout = 1.5
            """
        let loaded = try load(text, ["CREDENTIALS_DIRECTORY": "/run/credentials/fleetd.service"])
        var expected = EtcdSettings(endpoints: [
            EtcdEndpoint(usesTLS: true, host: "etcd1.example", port: 2379),
            EtcdEndpoint(usesTLS: true, host: "fd00::1", port: 4001),
        ])
        expected.caFile = "/etc/fleet/ca.pem"
        expected.certificateFile = "/run/credentials/fleetd.service/etcd-cert"
        expected.keyFile = "/run/credentials/fleetd.service/etcd-key"
        expected.username = "fleet"
        expected.password = .file("/etc/fleet/password")
        expected.requestTimeout = .milliseconds(1500)
        #expect(loaded.configuration.registry == .etcd)
        #expect(loaded.configuration.etcd == expected)
        #expect(loaded.warnings.isEmpty)
        #expect(expected.endpoints.map(\.description) == ["https://etcd1.example:2379", "https://[fd00::1]:4001"])
    }

    @Test func thePasswordMayBeACredential() throws {
        let text = "registry=etcd\netcd_servers=http://a:1\netcd_username=fleet"
        let loaded = try load(text, ["CREDENTIALS_DIRECTORY": "/run/c"])
        #expect(loaded.configuration.etcd.password == .file("/run/c/etcd-password"))
        #expect(loaded.warnings.count == 1, "a password over http:// is readable on the way")
    }

    @Test func oldFleetsListOfMembersIsUnderstood() throws {
        let text = #"etcd_servers=["http://192.0.2.1:2379", "http://192.0.2.2:4001"]"# + "\nregistry=etcd"
        #expect(try load(text).configuration.etcd.endpoints.map(\.port) == [2379, 4001])
    }

    @Test(arguments: [
        ("registry=etcd", "conf:1: registry: set etcd_servers too"),
        ("etcd_servers=http://a:1", "conf:1: etcd_servers: it has no effect while registry is \"embedded\""),
        ("registry=embedded\netcd_username=x", "conf:2: etcd_username: it has no effect"),
        ("registry=etcd\netcd_servers=a:2379", "\"a:2379\" is not a member's address"),
        ("registry=etcd\netcd_servers=http://a:0", "is not a member's address"),
        ("registry=etcd\netcd_servers=http://a/v2", "is not a member's address"),
        ("registry=etcd\netcd_servers=http://a,", "is not a member's address"),
        ("registry=etcd\netcd_servers=http://[::1", "is not a member's address"),
        ("registry=etcd\netcd_servers=http://a,http://a:2379", "http://a:2379 is there twice"),
        ("registry=etcd\netcd_servers=http://a,https://b", "conf:2: etcd_servers: some members are https://"),
        ("registry=etcd\netcd_servers=http://a\netcd_cafile=/ca", "conf:3: etcd_cafile: it has no effect without TLS"),
        (
            "registry=etcd\netcd_servers=https://a\netcd_certfile=/c",
            "conf:3: etcd_certfile: a certificate needs its key"
        ),
        ("registry=etcd\netcd_servers=https://a\netcd_keyfile=/k", "conf:3: etcd_keyfile: a key needs its certificate"),
        ("registry=etcd\netcd_servers=https://a\netcd_cafile=ca.pem", "give an absolute path"),
        ("registry=etcd\netcd_servers=https://a\netcd_cafile=%d/ca", "there are no credentials"),
        ("registry=etcd\netcd_servers=https://a\netcd_password=x", "conf:3: etcd_password: a password needs a user"),
        ("registry=etcd\netcd_servers=https://a\netcd_username=x", "conf:3: etcd_username: a user needs a password"),
        (
            "registry=etcd\netcd_servers=https://a\netcd_username=x\netcd_password=y\netcd_password_file=/z",
            "conf:5: etcd_password_file: etcd_password is set too"
        ),
        ("registry=etcd\netcd_servers=http://a\netcd_request_timeout=0", "between 200ms and 60s"),
    ])
    func keysThatDoNotGoTogetherNameTheirLine(text: String, message: String) {
        let error = #expect(throws: ConfigurationError.self) { try load(text) }
        #expect(error?.description.contains(message) == true, "\(String(describing: error))")
    }
}
