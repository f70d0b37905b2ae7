import UnitFile

/// The keys that take one value: the last assignment counts, as everywhere in systemd.
extension FleetOptionsBuilder {
    /// fleet took any word but its five for false; systemd's words are a superset of those five (`parse_boolean`).
    func boolean(_ key: FleetKey) throws(UnitFileError) -> Bool {
        guard let (text, value) = try last(key) else { return false }
        switch text.lowercased() {
        case "1", "yes", "y", "true", "t", "on": return true
        case "0", "no", "n", "false", "f", "off": return false
        default: throw section.file.error(at: value.option, "'\(text.printable())' is not a boolean; write yes or no")
        }
    }

    func policy() throws(UnitFileError) -> ReschedulePolicy {
        var policy = ReschedulePolicy()
        policy.trigger = try trigger() ?? policy.trigger
        policy.limit = try limit() ?? policy.limit
        policy.limitInterval = try span(.rescheduleLimitInterval, infinity: true) ?? policy.limitInterval
        let delay = try span(.rescheduleDelay, infinity: false)
        let maximum = try span(.rescheduleMaxDelay, infinity: false)
        policy.delay = delay ?? min(policy.delay, maximum ?? policy.delay)
        policy.maximumDelay = maximum ?? max(policy.maximumDelay, policy.delay)
        return policy
    }

    private func trigger() throws(UnitFileError) -> ReschedulePolicy.Trigger? {
        guard let (text, value) = try last(.reschedule) else { return nil }
        if let trigger = ReschedulePolicy.Trigger(rawValue: text) { return trigger }
        let known = ReschedulePolicy.Trigger.allCases.map(\.rawValue)
        let wayOut =
            Spelling.nearest(to: text, among: known).map { "did you mean \($0)?" }
            ?? "write one of " + known.joined(separator: ", ")
        throw section.file.error(at: value.option, "Reschedule=\(text.printable()) is unknown; \(wayOut)")
    }

    func volumePolicy() throws(UnitFileError) -> VolumePolicy? {
        guard let (text, value) = try last(.volumePolicy) else { return nil }
        if let policy = VolumePolicy(rawValue: text) { return policy }
        throw section.file.error(
            at: value.option,
            "VolumePolicy=\(text.printable()) is unknown; write sticky (stay with the data) or lose (leave them behind)"
        )
    }

    private func limit() throws(UnitFileError) -> Int? {
        guard let (text, value) = try last(.rescheduleLimit) else { return nil }
        let isNumber = text.utf8.allSatisfy { (48...57).contains($0) }
        guard isNumber, let limit = Int(text), limit <= Limits.recentFailures else {
            throw section.file.error(
                at: value.option,
                "RescheduleLimit=\(text.printable()) is not a number from 1 to \(Limits.recentFailures); "
                    + "write 0 for never giving up"
            )
        }
        return limit
    }

    private func span(_ key: FleetKey, infinity isMeaningful: Bool) throws(UnitFileError) -> Duration? {
        guard let (text, value) = try last(key) else { return nil }
        switch TimeSpan.parse(text) {
        case .finite(let span) where span >= Limits.shortestRescheduleDelay: return span
        case .finite:
            let shortest = TimeSpan.format(Limits.shortestRescheduleDelay)
            throw section.file.error(at: value.option, "\(value.option.key)= must be at least \(shortest)")
        case .infinite where isMeaningful: return Limits.longestSpan
        case .infinite:
            throw section.file.error(
                at: value.option,
                "\(value.option.key)=infinity would never try again; write Reschedule=never for that, or a time span"
            )
        case nil:
            throw section.file.error(
                at: value.option,
                "'\(text.printable())' is not a time span of at most 100 years; write seconds, or units as in 5min 20s"
            )
        }
    }

    func last(_ key: FleetKey) throws(UnitFileError) -> (text: String, value: FleetSection.Value)? {
        guard let value = section.values[key]?.last, let text = try expandedText(value) else { return nil }
        return (text, value)
    }
}
