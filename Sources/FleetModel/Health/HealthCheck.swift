/// How it is found out whether a running unit does its work: `HealthCmd=`, `HealthHTTP=` or `HealthTCP=` of
/// `[X-Fleet]`, with their times. Part of the unit's assignment, because agents read no unit files.
package struct HealthCheck: Hashable, Sendable {
    package enum Probe: Hashable, Sendable {
        /// For `/bin/sh -c`, as it was written.
        case command(String)
        /// A GET request; 2xx and 3xx are healthy.
        case http(HealthTarget)
        /// A connection that is accepted is healthy.
        case tcp(HealthTarget)
    }

    package var probe: Probe
    /// `HealthIntervalSec=`: from one check to the next.
    package var interval = Duration.seconds(30)
    /// `HealthTimeoutSec=`: a check that takes longer has failed.
    package var timeout = Duration.seconds(30)
    /// `HealthRetries=`: as many failures in a row and the unit is unhealthy.
    package var retries = 3
    /// `HealthStartPeriodSec=`: failures within this time after the unit came up do not count, until the first success.
    package var startPeriod = Duration.zero
    /// The file has a `Restart=` that means to restart: an unhealthy unit is restarted once before it is given back.
    package var restartsFirst = false

    package init(probe: Probe) { self.probe = probe }
}

extension HealthCheck: Codable {
    /// Flat, and times in milliseconds, because values in the registry are read by people too.
    private enum CodingKeys: String, CodingKey {
        case command, http, tcp
        case interval = "intervalMs"
        case timeout = "timeoutMs"
        case retries
        case startPeriod = "startPeriodMs"
        case restartsFirst
    }

    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        func span(_ key: CodingKeys) throws -> Duration { .milliseconds(try values.decode(Int64.self, forKey: key)) }
        if let command = try values.decodeIfPresent(String.self, forKey: .command) {
            probe = .command(command)
        } else if let http = try values.decodeIfPresent(String.self, forKey: .http) {
            probe = .http(try HealthTarget(http: http))
        } else {
            probe = .tcp(try HealthTarget(tcp: try values.decode(String.self, forKey: .tcp)))
        }
        interval = try span(.interval)
        timeout = try span(.timeout)
        retries = try values.decode(Int.self, forKey: .retries)
        startPeriod = try span(.startPeriod)
        restartsFirst = try values.decode(Bool.self, forKey: .restartsFirst)
    }

    package func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        switch probe {
        case .command(let command): try values.encode(command, forKey: .command)
        case .http(let target): try values.encode(target.url, forKey: .http)
        case .tcp(let target): try values.encode(target.address, forKey: .tcp)
        }
        try values.encode(interval.milliseconds, forKey: .interval)
        try values.encode(timeout.milliseconds, forKey: .timeout)
        try values.encode(retries, forKey: .retries)
        try values.encode(startPeriod.milliseconds, forKey: .startPeriod)
        try values.encode(restartsFirst, forKey: .restartsFirst)
    }
}
