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
        ("registry=etcd", "only \"embedded\""), ("public_ip=here", "IPv4 or IPv6"),
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
        let loaded = try load("engine_reconcile_interval=2.0\netcd_servers=http://127.0.0.1:2379")
        #expect(loaded.warnings.count == 2)
        #expect(loaded.warnings.first?.hasPrefix("/etc/fleet/fleet.conf:1: engine_reconcile_interval") == true)
    }
}
