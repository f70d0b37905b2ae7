import UnitFile

/// What the section of each kind may say, with the podman that brought the key, as data: the tables of supported keys
/// in `pkg/systemd/quadlet/quadlet.go` at podman's tags v4.4.0 to v5.8.2 and on its main branch, which becomes 6.0.
/// Quadlet drops a whole file for one key that it does not know, so a key that is missing here cannot be used;
/// `PodmanArgs=` and `GlobalArgs=` say what there is no key for.
///
/// Nothing is older than 4.5: the generator of 4.4 does not say its version, so a machine with that counts as one
/// without Quadlet.
enum QuadletKeys {
    /// The version that brought a key of the section that is the kind's own; nil when there is no such key.
    static func since(_ key: String, in kind: QuadletKind) -> PodmanVersion? {
        tables[kind]?[key]
    }

    /// All keys of the kind's section, sorted.
    static func all(of kind: QuadletKind) -> [String] { (tables[kind] ?? [:]).keys.sorted() }

    /// The version that brought the kind itself.
    static func since(_ kind: QuadletKind) -> PodmanVersion {
        switch kind {
        case .container, .kube, .network, .volume: PodmanVersion(4, 5)
        case .image: PodmanVersion(4, 8)
        case .pod: PodmanVersion(5, 0)
        case .build: PodmanVersion(5, 2)
        }
    }

    /// The version that takes names of Quadlet files in `After=` and the like.
    static let dependencies = PodmanVersion(5, 5)
    /// Values of older keys that an older podman takes for something else, or does not see, without a word.
    static func since(_ option: ParsedUnitFile.Option, in kind: QuadletKind) -> (version: PodmanVersion, what: String)?
    {
        guard kind == .container else { return nil }
        let what = "\(option.key)=\(option.value.printable(limit: 60))"
        switch option.key {
        // Older ones do not wait, and call the unit ready at once.
        case "Notify" where option.value.lowercased() == "healthy": return (PodmanVersion(5, 0), what)
        case "Network" where QuadletKind(ofFile: option.value) == .container: return (PodmanVersion(5, 3), what)
        case "Mount":
            let mount = QuadletMount(option.value)
            guard mount.type == "image", QuadletKind(ofFile: mount.source ?? "") == .image else { return nil }
            return (PodmanVersion(5, 3), what)
        default: return nil
        }
    }

    /// The version that brought the `[Quadlet]` section, with its keys.
    static let quadletSection = (since: PodmanVersion(5, 3), keys: ["DefaultDependencies"])

    private static let tables: [QuadletKind: [String: PodmanVersion]] = [
        .container: table(container), .pod: table(pod), .kube: table(kube), .network: table(network),
        .volume: table(volume), .image: table(image), .build: table(build),
    ]

    private static func table(_ rows: [(PodmanVersion, String)]) -> [String: PodmanVersion] {
        var table: [String: PodmanVersion] = [:]
        for (version, keys) in rows {
            for key in keys.split(whereSeparator: \.isWhitespace) { table[String(key)] = version }
        }
        return table
    }

    private static let container: [(PodmanVersion, String)] = [
        (
            PodmanVersion(4, 5),
            """
            AddCapability AddDevice Annotation ContainerName DropCapability Environment EnvironmentFile
            EnvironmentHost Exec ExposeHostPort Group HealthCmd HealthInterval HealthOnFailure HealthRetries
            HealthStartPeriod HealthStartupCmd HealthStartupInterval HealthStartupRetries HealthStartupSuccess
            HealthStartupTimeout HealthTimeout IP IP6 Image Label LogDriver Mount Network NoNewPrivileges Notify
            PodmanArgs PublishPort ReadOnly RemapGid RemapUid RemapUidSize RemapUsers Rootfs RunInit SeccompProfile
            Secret SecurityLabelDisable SecurityLabelFileType SecurityLabelLevel SecurityLabelType Timezone Tmpfs User
            UserNS VolatileTmp Volume
            """
        ),
        (PodmanVersion(4, 6), "AutoUpdate HostName Mask Pull SecurityLabelNested Sysctl Unmask WorkingDir"),
        (PodmanVersion(4, 7), "DNS DNSOption DNSSearch PidsLimit ShmSize Ulimit"),
        (PodmanVersion(4, 8), "ContainersConfModule GIDMap GlobalArgs ReadOnlyTmpfs SubGIDMap SubUIDMap UIDMap"),
        (PodmanVersion(5, 0), "Entrypoint Pod StopTimeout"),
        (PodmanVersion(5, 1), "GroupAdd"),
        (PodmanVersion(5, 2), "LogOpt NetworkAlias StopSignal"),
        (
            PodmanVersion(5, 3),
            """
            AddHost CgroupsMode HealthLogDestination HealthMaxLogCount HealthMaxLogSize ServiceName StartWithPod
            """
        ),
        (PodmanVersion(5, 5), "Memory ReloadCmd ReloadSignal Retry RetryDelay"),
        (PodmanVersion(5, 7), "HttpProxy"),
        (PodmanVersion(5, 8), "AppArmor"),
    ]

    private static let pod: [(PodmanVersion, String)] = [
        (PodmanVersion(5, 0), "ContainersConfModule GlobalArgs Network PodName PodmanArgs PublishPort Volume"),
        (PodmanVersion(5, 2), "NetworkAlias"),
        (
            PodmanVersion(5, 3),
            """
            AddHost DNS DNSOption DNSSearch GIDMap IP IP6 RemapGid RemapUid RemapUidSize RemapUsers ServiceName
            SubGIDMap SubUIDMap UIDMap UserNS
            """
        ),
        (PodmanVersion(5, 4), "ShmSize"),
        (PodmanVersion(5, 5), "HostName"),
        (PodmanVersion(5, 6), "ExitPolicy Label"),
        (PodmanVersion(5, 7), "StopTimeout"),
    ]

    private static let kube: [(PodmanVersion, String)] = [
        (
            PodmanVersion(4, 5),
            """
            ConfigMap LogDriver Network PublishPort RemapGid RemapUid RemapUidSize RemapUsers UserNS Yaml
            """
        ),
        (PodmanVersion(4, 6), "ExitCodePropagation PodmanArgs"),
        (PodmanVersion(4, 7), "AutoUpdate SetWorkingDirectory"),
        (PodmanVersion(4, 8), "ContainersConfModule GlobalArgs KubeDownForce"),
        (PodmanVersion(5, 2), "LogOpt"),
        (PodmanVersion(5, 3), "ServiceName"),
    ]

    private static let network: [(PodmanVersion, String)] = [
        (PodmanVersion(4, 5), "DisableDNS Driver Gateway IPAMDriver IPRange IPv6 Internal Label Options Subnet"),
        (PodmanVersion(4, 6), "PodmanArgs"),
        (PodmanVersion(4, 7), "DNS NetworkName"),
        (PodmanVersion(4, 8), "ContainersConfModule GlobalArgs"),
        (PodmanVersion(5, 3), "ServiceName"),
        (PodmanVersion(5, 5), "NetworkDeleteOnStop"),
        (PodmanVersion(5, 6), "InterfaceName"),
    ]

    private static let volume: [(PodmanVersion, String)] = [
        (PodmanVersion(4, 5), "Copy Device Group Label Options Type User"),
        (PodmanVersion(4, 6), "PodmanArgs"),
        (PodmanVersion(4, 7), "VolumeName"),
        (PodmanVersion(4, 8), "ContainersConfModule Driver GlobalArgs Image"),
        (PodmanVersion(5, 3), "ServiceName"),
        (PodmanVersion(6, 0), "GID UID"),
    ]

    private static let image: [(PodmanVersion, String)] = [
        (
            PodmanVersion(4, 8),
            """
            AllTags Arch AuthFile CertDir ContainersConfModule Creds DecryptionKey GlobalArgs Image ImageTag OS
            PodmanArgs TLSVerify Variant
            """
        ),
        (PodmanVersion(5, 3), "ServiceName"),
        (PodmanVersion(5, 5), "Retry RetryDelay"),
        (PodmanVersion(5, 6), "Policy"),
    ]

    private static let build: [(PodmanVersion, String)] = [
        (
            PodmanVersion(5, 2),
            """
            Annotation Arch AuthFile ContainersConfModule DNS DNSOption DNSSearch Environment File ForceRM GlobalArgs
            GroupAdd ImageTag Label Network PodmanArgs Pull Secret SetWorkingDirectory TLSVerify Target Variant Volume
            """
        ),
        (PodmanVersion(5, 3), "ServiceName"),
        (PodmanVersion(5, 5), "Retry RetryDelay"),
        (PodmanVersion(5, 7), "BuildArg IgnoreFile"),
    ]
}
