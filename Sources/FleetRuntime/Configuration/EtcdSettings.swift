/// How fleetd reaches etcd: the `etcd_` keys of fleet.conf.
package struct EtcdSettings: Hashable, Sendable {
    /// Where the password of `username` is.
    package enum Password: Hashable, Sendable {
        /// In fleet.conf itself.
        case text(String)
        /// A file's first line, read again at each log-in.
        case file(String)
    }

    /// The members, in the order of fleet.conf; all of them with TLS or none.
    package var endpoints: [EtcdEndpoint]
    /// Who vouches for the members' certificates; nil: whom the system trusts.
    package var caFile: String?
    /// fleetd's own certificate with its chain, and the key that belongs to it: both or neither. Read again whenever a
    /// connection is made, so that renewed ones are used.
    package var certificateFile: String?
    package var keyFile: String?
    /// The user fleetd logs in as; nil when etcd asks for none, or takes the certificate's common name.
    package var username: String?
    package var password: Password?
    /// How long one request may take, fail-over included.
    package var requestTimeout: Duration
    /// The life of the shortest lease that is renewed over the connection: a member that is lost has to be left while
    /// there is time for the renewal on another one. nil: nothing depends on it.
    package var lease: Duration?

    /// Long enough for etcd to elect a leader (two seconds with its default timeouts) while a request waits.
    package static let defaultRequestTimeout = Duration.seconds(5)

    package init(endpoints: [EtcdEndpoint] = []) {
        self.endpoints = endpoints
        requestTimeout = Self.defaultRequestTimeout
    }

    package var usesTLS: Bool { endpoints.contains(where: \.usesTLS) }
}
