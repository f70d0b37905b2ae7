import FleetModel

/// Cordon and drain: a machine that operators have closed takes no newcomer. What is there stays, until the deadline of
/// a drain has passed; before that, leaving is a matter of `PlanningRun.depart`, which waits for a place elsewhere.
enum OrdersConstraint {
    static func reason(on host: Host, as standing: Standing, now: Timestamp?) -> IneligibleReason? {
        if let drain = host.orders.draining {
            if standing == .newcomer { return .draining }
            guard let now, drain.isOverdue(now) else { return nil }
            return .draining
        }
        guard standing == .newcomer, let cordon = host.orders.cordoned else { return nil }
        return .cordoned(cordon.reason)
    }
}
