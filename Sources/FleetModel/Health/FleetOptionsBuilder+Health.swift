import UnitFile

extension FleetOptionsBuilder {
    /// The unit's check; nil without one, and where only the unit's name decides what it is.
    func health() throws(UnitFileError) -> HealthCheck? {
        let checks = FleetKey.healthChecks.filter { section.values[$0] != nil }
        guard let key = checks.first else {
            if let stray = FleetKey.healthTimes.lazy.compactMap({ section.values[$0]?.last }).first {
                throw error(
                    stray,
                    "\(stray.option.key)= is about a check that the unit does not have; "
                        + "add HealthCmd=, HealthHTTP= or HealthTCP=, or remove it"
                )
            }
            return nil
        }
        let probe = try probe(key)
        let interval = try span(.healthInterval, least: Limits.shortestHealthInterval)
        let timeout = try span(.healthTimeout, least: Limits.shortestHealthTimeout)
        let startPeriod = try span(.healthStartPeriod, least: .zero)
        let retries = try retries()
        guard let probe else { return nil }
        var check = HealthCheck(probe: probe)
        check.interval = interval ?? check.interval
        check.timeout = timeout ?? check.timeout
        check.startPeriod = startPeriod ?? check.startPeriod
        check.retries = retries ?? check.retries
        check.restartsFirst = !["no", nil].contains(section.file.lastValue(section: "Service", key: "Restart"))
        return check
    }

    private func probe(_ key: FleetKey) throws(UnitFileError) -> HealthCheck.Probe? {
        guard let (text, value) = try last(key) else { return nil }
        do throws(HealthTargetError) {
            switch key {
            case .healthHTTP: return .http(try HealthTarget(http: text))
            case .healthTCP: return .tcp(try HealthTarget(tcp: text))
            default: return .command(text)
            }
        } catch {
            throw self.error(value, "\(value.option.key)=: \(error)")
        }
    }

    private func retries() throws(UnitFileError) -> Int? {
        guard let (text, value) = try last(.healthRetries) else { return nil }
        guard text.utf8.allSatisfy({ (48...57).contains($0) }), let number = Int(text),
            (1...Limits.healthRetries).contains(number)
        else {
            throw error(
                value,
                "HealthRetries=\(text.printable()) is not a number from 1 to \(Limits.healthRetries)"
            )
        }
        return number
    }

    private func span(_ key: FleetKey, least: Duration) throws(UnitFileError) -> Duration? {
        guard let (text, value) = try last(key) else { return nil }
        let longest = Limits.longestHealthSpan
        guard case .finite(let span)? = TimeSpan.parse(text), span >= least, span <= longest else {
            let range =
                least > .zero
                ? "from \(TimeSpan.format(least)) to \(TimeSpan.format(longest))" : "up to \(TimeSpan.format(longest))"
            throw error(
                value,
                "\(value.option.key)=\(text.printable()) is not a time span \(range); "
                    + "write seconds, or units as in 1min 30s"
            )
        }
        return span
    }
}

extension FleetKey {
    /// Of these a unit has one.
    static let healthChecks: [FleetKey] = [.healthCmd, .healthHTTP, .healthTCP]
    static let healthTimes: [FleetKey] = [.healthInterval, .healthTimeout, .healthRetries, .healthStartPeriod]
}
