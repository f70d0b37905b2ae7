import FleetAPI
import FleetModel

extension MachineSummary {
    /// How fleet writes a machine: `1a2b3c4d.../10.0.0.1`, the whole id if `isFull`, no slash without an address.
    func legend(isFull: Bool = false) -> String {
        let id = isFull ? id.description : id.short + "..."
        return primaryIP.isEmpty ? id : id + "/" + primaryIP
    }

    /// For prose: the host name too, where the machine has one.
    var nameWithLegend: String {
        hostname.isEmpty ? legend() : "\(hostname) (\(legend()))"
    }
}
