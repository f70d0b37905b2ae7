/// The unit types of systemd.unit(5). Quadlet's kinds are no unit types: each of their files becomes one of these.
package enum UnitType: String, Hashable, Sendable, CaseIterable {
    case service, socket, device, mount, automount, swap, target, path, timer, slice, scope

    /// Whether `name@.type` can stand for many instances. systemd builds the names of the other types from a path or a
    /// hierarchy (systemd.mount(5), systemd.slice(5)), and fleet refused them too.
    package var canBeTemplate: Bool {
        switch self {
        case .service, .socket, .target, .path, .timer: true
        case .device, .mount, .automount, .swap, .slice, .scope: false
        }
    }

    /// The section that only this type has, such as `Service`.
    package var section: String { String(rawValue.prefix(1)).uppercased() + rawValue.dropFirst() }
}
