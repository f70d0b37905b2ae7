/// Why a value does not fit its key.
struct ConfigurationValueError: Error {
    var message: String
}

/// One key of fleet.conf and how its value is read.
struct ConfigurationKey: Sendable {
    typealias Apply = @Sendable (String, inout Configuration) throws(ConfigurationValueError) -> Void

    let apply: Apply
    /// The value names a file.
    var isPath = false
    /// The value must not be shown in messages.
    var isSecret = false

    init(isPath: Bool = false, isSecret: Bool = false, apply: @escaping Apply) {
        self.apply = apply
        self.isPath = isPath
        self.isSecret = isSecret
    }

    static let all = general.merging(etcd) { first, _ in first }

    private static let general: [String: ConfigurationKey] = [
        "verbosity": ConfigurationKey { value, configuration throws(ConfigurationValueError) in
            configuration.verbosity = try integer(value, 0...2)
        },
        "registry": ConfigurationKey { value, configuration throws(ConfigurationValueError) in
            guard let registry = Configuration.Registry(rawValue: value) else {
                throw ConfigurationValueError(message: "give embedded or etcd")
            }
            configuration.registry = registry
        },
        "etcd_key_prefix": ConfigurationKey { value, configuration throws(ConfigurationValueError) in
            guard value.hasPrefix("/"), value.utf8.allSatisfy({ $0 > 32 && $0 < 127 }) else {
                throw ConfigurationValueError(message: "give an ASCII path such as /fleet/")
            }
            configuration.keyPrefix = value
        },
        "public_ip": ConfigurationKey { value, configuration throws(ConfigurationValueError) in
            let isAddress = value.utf8.allSatisfy { byte in
                (48...58).contains(byte) || (97...102).contains(byte | 32) || byte == 46
            }
            guard isAddress, value.contains(where: { $0 == "." || $0 == ":" }) || value.isEmpty else {
                throw ConfigurationValueError(message: "give an IPv4 or IPv6 address")
            }
            configuration.publicIP = value
        },
        "metadata": ConfigurationKey { value, configuration throws(ConfigurationValueError) in
            configuration.metadata = try pairs(value)
        },
        "agent_ttl": ConfigurationKey { value, configuration throws(ConfigurationValueError) in
            let ttl = try duration(value)
            guard ttl >= .seconds(1), ttl <= .seconds(3600) else {
                throw ConfigurationValueError(message: "give between 1s and 1h")
            }
            configuration.agentTTL = ttl
        },
        "token_limit": ConfigurationKey { value, configuration throws(ConfigurationValueError) in
            configuration.tokenLimit = try integer(value, 1...65_535)
        },
        "secret_key_file": ConfigurationKey(isPath: true) { value, configuration in
            configuration.secretKeyFile = value
        },
        "disable_engine": ConfigurationKey { value, configuration throws(ConfigurationValueError) in
            configuration.disableEngine = try boolean(value)
        },
    ]

    /// Keys of old fleet that have nothing left to configure, each with what to do instead.
    static let retired: [String: String] = {
        var keys: [String: String] = [:]
        keys["engine_reconcile_interval"] = "the engine acts on events, not at intervals; remove it"
        keys["units_directory"] = "unit files are always in /run/fleet/units; remove it"
        keys["systemd_user"] = "fleetd drives the system's systemd; remove it"
        keys["enable_grpc"] = "there is one registry protocol; remove it"
        keys["disable_watches"] = "there is no polling to fall back to; remove it"
        keys["verify_units"] = "signed units were dropped by fleet itself; remove it"
        keys["authorized_keys_file"] = "signed units were dropped by fleet itself; remove it"
        return keys
    }()

    private static func integer(
        _ text: String,
        _ range: ClosedRange<Int>
    ) throws(ConfigurationValueError) -> Int {
        guard let number = Int(text), range.contains(number) else {
            throw ConfigurationValueError(
                message: "give a number from \(range.lowerBound) to \(range.upperBound)"
            )
        }
        return number
    }

    private static func boolean(_ text: String) throws(ConfigurationValueError) -> Bool {
        switch text.lowercased() {
        case "true", "yes", "1", "on", "t": return true
        case "false", "no", "0", "off", "f": return false
        default: throw ConfigurationValueError(message: "give true or false")
        }
    }

    /// `k=v,k=v`, as fleet wrote metadata; a pair that is not one is an error, not dropped.
    private static func pairs(_ text: String) throws(ConfigurationValueError) -> [String: String] {
        var metadata: [String: String] = [:]
        for pair in text.split(separator: ",", omittingEmptySubsequences: true) {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map {
                $0.drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed()
            }.map { String($0) }
            guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else {
                throw ConfigurationValueError(message: "\"\(pair)\" is not key=value; separate pairs by commas")
            }
            guard metadata[parts[0]] == nil else {
                throw ConfigurationValueError(
                    message: "\"\(parts[0])\" is there twice; a machine has one value per key"
                )
            }
            metadata[parts[0]] = parts[1]
        }
        return metadata
    }

    /// A duration as Go writes it (`30s`, `1m30s`, `500ms`) or a plain number of seconds.
    static func duration(_ text: String) throws(ConfigurationValueError) -> Duration {
        let wrong = ConfigurationValueError(message: "give a duration such as 10s or 1m30s")
        if let seconds = Int64(text), (0...1_000_000).contains(seconds) { return .seconds(seconds) }
        let milliseconds: [String: Int64] = ["ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000]
        var sum: Int64 = 0
        var rest = text[...]
        guard !rest.isEmpty else { throw wrong }
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && $0.isNumber }
            rest = rest.dropFirst(digits.count)
            let unit = rest.prefix { $0.isLetter }
            rest = rest.dropFirst(unit.count)
            guard let number = Int64(digits), number <= 1_000_000, let factor = milliseconds[String(unit)] else {
                throw wrong
            }
            sum += number * factor
        }
        return .milliseconds(sum)
    }
}
