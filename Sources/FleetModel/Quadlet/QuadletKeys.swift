import UnitFile

/// What the section of each kind may say, with the podman that brought the key, as data: podman-systemd.unit(5) of 4.4
/// to 5.8 and podman's release notes. Quadlet drops a whole file for one key that it does not know, so a key that is
/// missing here cannot be used; `PodmanArgs=` and `GlobalArgs=` say what there is no key for. Where the notes are
/// silent a key has an older version rather than a newer one: then the machine's generator has the last word.
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
        case .container, .kube, .network, .volume: PodmanVersion(4, 4)
        case .image: PodmanVersion(4, 8)
        case .pod: PodmanVersion(5, 0)
        case .build: PodmanVersion(5, 2)
        }
    }

    /// The version that takes names of Quadlet files in `After=` and the like.
    static let dependencies = PodmanVersion(5, 5)
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
            PodmanVersion(4, 4),
            """
            AddCapability AddDevice Annotation ContainerName DropCapability Environment EnvironmentFile EnvironmentHost
            Exec ExposeHostPort Group Image Label Network NoNewPrivileges Notify PodmanArgs PublishPort ReadOnly RemapGid
            RemapUid RemapUidSize RemapUsers RunInit SeccompProfile SecurityLabelDisable SecurityLabelFileType
            SecurityLabelLevel SecurityLabelType Timezone User VolatileTmp Volume
            """
        ),
        (
            PodmanVersion(4, 5),
            """
            HealthCmd HealthInterval HealthOnFailure HealthRetries HealthStartPeriod HealthStartupCmd
            HealthStartupInterval HealthStartupRetries HealthStartupSuccess HealthStartupTimeout HealthTimeout HostName IP
            IP6 LogDriver Mount Rootfs Secret SecurityLabelNested Tmpfs UserNS
            """
        ),
        (PodmanVersion(4, 6), "AutoUpdate Mask Pull Sysctl Unmask WorkingDir"),
        (PodmanVersion(4, 7), "DNS DNSOption DNSSearch PidsLimit ReadOnlyTmpfs ShmSize Ulimit"),
        (PodmanVersion(4, 8), "ContainersConfModule GIDMap GlobalArgs SubGIDMap SubUIDMap UIDMap"),
        (PodmanVersion(5, 0), "Entrypoint GroupAdd Pod StopTimeout"),
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
            AddHost DNS DNSOption DNSSearch GIDMap IP IP6 RemapGid RemapUid RemapUidSize RemapUsers ServiceName SubGIDMap
            SubUIDMap UIDMap UserNS
            """
        ),
        (PodmanVersion(5, 5), "HostName Label ShmSize"),
        (PodmanVersion(5, 6), "ExitPolicy"),
        (PodmanVersion(5, 7), "StopTimeout"),
    ]

    private static let kube: [(PodmanVersion, String)] = [
        (PodmanVersion(4, 4), "ConfigMap Network PublishPort RemapGid RemapUid RemapUidSize RemapUsers UserNS Yaml"),
        (PodmanVersion(4, 5), "LogDriver"),
        (PodmanVersion(4, 6), "PodmanArgs"),
        (PodmanVersion(4, 7), "AutoUpdate ExitCodePropagation SetWorkingDirectory"),
        (PodmanVersion(4, 8), "ContainersConfModule GlobalArgs KubeDownForce"),
        (PodmanVersion(5, 2), "LogOpt"),
        (PodmanVersion(5, 3), "ServiceName"),
    ]

    private static let network: [(PodmanVersion, String)] = [
        (
            PodmanVersion(4, 4),
            "DisableDNS Driver Gateway IPAMDriver IPRange IPv6 Internal Label Options Subnet"
        ),
        (PodmanVersion(4, 6), "NetworkName PodmanArgs"),
        (PodmanVersion(4, 7), "DNS"),
        (PodmanVersion(4, 8), "ContainersConfModule GlobalArgs"),
        (PodmanVersion(5, 3), "ServiceName"),
        (PodmanVersion(5, 5), "NetworkDeleteOnStop"),
        (PodmanVersion(5, 6), "InterfaceName"),
    ]

    private static let volume: [(PodmanVersion, String)] = [
        (PodmanVersion(4, 4), "Copy Device Group Label Options Type User"),
        (PodmanVersion(4, 6), "PodmanArgs VolumeName"),
        (PodmanVersion(4, 7), "Driver Image"),
        (PodmanVersion(4, 8), "ContainersConfModule GlobalArgs"),
        (PodmanVersion(5, 3), "ServiceName"),
        (PodmanVersion(5, 7), "GID UID"),
    ]

    private static let image: [(PodmanVersion, String)] = [
        (
            PodmanVersion(4, 8),
            """
            AllTags Arch AuthFile CertDir ContainersConfModule Creds DecryptionKey GlobalArgs Image ImageTag OS PodmanArgs
            TLSVerify Variant
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
