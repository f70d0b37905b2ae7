/// The keys that say how etcd is reached.
extension ConfigurationKey {
    /// Those that mean nothing without etcd; `etcd_key_prefix` is the embedded registry's too.
    static let etcdOnly = etcd.keys.sorted()

    static let etcd: [String: ConfigurationKey] = [
        "etcd_servers": ConfigurationKey { value, configuration throws(ConfigurationValueError) in
            configuration.etcd.endpoints = try endpoints(value)
        },
        "etcd_cafile": ConfigurationKey(isPath: true) { value, configuration in configuration.etcd.caFile = value },
        "etcd_certfile": ConfigurationKey(isPath: true) { value, configuration in
            configuration.etcd.certificateFile = value
        },
        "etcd_keyfile": ConfigurationKey(isPath: true) { value, configuration in configuration.etcd.keyFile = value },
        "etcd_username": ConfigurationKey { value, configuration throws(ConfigurationValueError) in
            guard !value.isEmpty else { throw ConfigurationValueError(message: "give a user of etcd, or remove it") }
            configuration.etcd.username = value
        },
        "etcd_password": ConfigurationKey(isSecret: true) { value, configuration throws(ConfigurationValueError) in
            guard !value.isEmpty else { throw ConfigurationValueError(message: "it is empty; give one, or remove it") }
            configuration.etcd.password = .text(value)
        },
        "etcd_password_file": ConfigurationKey(isPath: true) { value, configuration in
            configuration.etcd.password = .file(value)
        },
        "etcd_request_timeout": ConfigurationKey { value, configuration throws(ConfigurationValueError) in
            let timeout = try requestTimeout(value)
            guard timeout >= .milliseconds(200), timeout <= .seconds(60) else {
                throw ConfigurationValueError(message: "give between 200ms and 60s")
            }
            configuration.etcd.requestTimeout = timeout
        },
    ]

    /// A comma list; old fleet also wrote it with quotes and brackets.
    private static func endpoints(_ text: String) throws(ConfigurationValueError) -> [EtcdEndpoint] {
        var list = text[...]
        if list.first == "[", list.last == "]", list.dropFirst().first != ":" { list = list.dropFirst().dropLast() }
        var endpoints: [EtcdEndpoint] = []
        for part in list.split(separator: ",", omittingEmptySubsequences: false) {
            let word = part.filter { $0 != " " && $0 != "\t" && $0 != "\"" }
            guard let endpoint = EtcdEndpoint(word) else {
                let example = "http://HOST:PORT or https://HOST:PORT; separate several by commas"
                throw ConfigurationValueError(message: "\"\(word)\" is not a member's address: give \(example)")
            }
            guard !endpoints.contains(endpoint) else {
                throw ConfigurationValueError(message: "\(endpoint) is there twice")
            }
            endpoints.append(endpoint)
        }
        return endpoints
    }

    /// Old fleet's was a number of seconds with a fraction, `1.0`.
    private static func requestTimeout(_ text: String) throws(ConfigurationValueError) -> Duration {
        if text.contains("."), let seconds = Double(text), (0...60).contains(seconds) {
            return .milliseconds(Int64(seconds * 1000))
        }
        return try duration(text)
    }
}
