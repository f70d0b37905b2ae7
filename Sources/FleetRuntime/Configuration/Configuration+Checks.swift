extension LoadedConfiguration {
    /// What one key's value cannot show: keys that need each other, or exclude each other. `places` says where each key
    /// was set.
    mutating func check(
        _ places: [String: String],
        environment: [String: String]
    ) throws(ConfigurationError) {
        func wrong(_ keys: [String], _ message: String) throws(ConfigurationError) {
            for key in keys {
                guard let place = places[key] else { continue }
                throw ConfigurationError(place: place, message: "\(key): \(message)")
            }
        }
        guard configuration.registry == .etcd else {
            let advice = "it has no effect while registry is \"embedded\": set registry = etcd, or remove this line"
            return try wrong(["etcd_servers"] + ConfigurationKey.etcdOnly, advice)
        }
        let etcd = configuration.etcd
        if etcd.endpoints.isEmpty {
            let advice = "set etcd_servers too, for example etcd_servers = https://etcd1:2379,https://etcd2:2379"
            try wrong(["etcd_servers", "registry"], advice)
        }
        if etcd.endpoints.contains(where: \.usesTLS), !etcd.endpoints.allSatisfy(\.usesTLS) {
            try wrong(["etcd_servers"], "some members are https:// and some http://; give all of them the same way")
        }
        if !etcd.usesTLS {
            let advice = "it has no effect without TLS: write https:// in etcd_servers, or remove this line"
            try wrong(["etcd_cafile", "etcd_certfile", "etcd_keyfile"], advice)
        }
        if etcd.keyFile == nil { try wrong(["etcd_certfile"], "a certificate needs its key: set etcd_keyfile too") }
        if etcd.certificateFile == nil {
            try wrong(["etcd_keyfile"], "a key needs its certificate: set etcd_certfile too")
        }
        try checkUser(places, environment: environment, wrong)
    }

    private mutating func checkUser(
        _ places: [String: String],
        environment: [String: String],
        _ wrong: ([String], String) throws(ConfigurationError) -> Void
    ) throws(ConfigurationError) {
        if places["etcd_password"] != nil {
            try wrong(["etcd_password_file"], "etcd_password is set too; keep one, better this one")
        }
        guard configuration.etcd.username != nil else {
            return try wrong(["etcd_password", "etcd_password_file"], "a password needs a user: set etcd_username too")
        }
        if configuration.etcd.password == nil {
            if let folder = environment[Self.credentials] {
                configuration.etcd.password = .file("\(folder)/\(Self.passwordCredential)")
            } else {
                let advice =
                    "a user needs a password: set etcd_password_file, or LoadCredential=\(Self.passwordCredential)"
                try wrong(["etcd_username"], "\(advice):FILE in a drop-in of fleetd.service")
            }
        }
        if !configuration.etcd.usesTLS, let place = places["etcd_username"] {
            warnings.append("\(place): etcd_username: the password crosses the network readable; use https://")
        }
    }

    /// The variable with systemd's folder of a service's credentials (systemd.exec(5), LoadCredential=).
    static let credentials = "CREDENTIALS_DIRECTORY"
    /// The credential that holds the password when no key says where it is.
    static let passwordCredential = "etcd-password"
}
