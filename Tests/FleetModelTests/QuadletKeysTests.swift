import Testing
import UnitFile

@testable import FleetModel

@Suite struct QuadletKeysTests {
    /// Taken from the tables of supported keys in podman's sources by a program: kind, version, and the keys that came
    /// with it. A row of ours that differs lets a unit go where podman drops the file, or keeps it from where it would
    /// run.
    private static let sources = """
        container 4.5: AddCapability AddDevice Annotation ContainerName DropCapability Environment EnvironmentFile \
            EnvironmentHost Exec ExposeHostPort Group HealthCmd HealthInterval HealthOnFailure HealthRetries \
            HealthStartPeriod HealthStartupCmd HealthStartupInterval HealthStartupRetries HealthStartupSuccess \
            HealthStartupTimeout HealthTimeout IP IP6 Image Label LogDriver Mount Network NoNewPrivileges Notify \
            PodmanArgs PublishPort ReadOnly RemapGid RemapUid RemapUidSize RemapUsers Rootfs RunInit SeccompProfile \
            Secret SecurityLabelDisable SecurityLabelFileType SecurityLabelLevel SecurityLabelType Timezone Tmpfs \
            User UserNS VolatileTmp Volume
        container 4.6: AutoUpdate HostName Mask Pull SecurityLabelNested Sysctl Unmask WorkingDir
        container 4.7: DNS DNSOption DNSSearch PidsLimit ShmSize Ulimit
        container 4.8: ContainersConfModule GIDMap GlobalArgs ReadOnlyTmpfs SubGIDMap SubUIDMap UIDMap
        container 5.0: Entrypoint Pod StopTimeout
        container 5.1: GroupAdd
        container 5.2: LogOpt NetworkAlias StopSignal
        container 5.3: AddHost CgroupsMode HealthLogDestination HealthMaxLogCount HealthMaxLogSize ServiceName \
            StartWithPod
        container 5.5: Memory ReloadCmd ReloadSignal Retry RetryDelay
        container 5.7: HttpProxy
        container 5.8: AppArmor
        pod 5.0: ContainersConfModule GlobalArgs Network PodName PodmanArgs PublishPort Volume
        pod 5.2: NetworkAlias
        pod 5.3: AddHost DNS DNSOption DNSSearch GIDMap IP IP6 RemapGid RemapUid RemapUidSize RemapUsers ServiceName \
            SubGIDMap SubUIDMap UIDMap UserNS
        pod 5.4: ShmSize
        pod 5.5: HostName
        pod 5.6: ExitPolicy Label
        pod 5.7: StopTimeout
        kube 4.5: ConfigMap LogDriver Network PublishPort RemapGid RemapUid RemapUidSize RemapUsers UserNS Yaml
        kube 4.6: ExitCodePropagation PodmanArgs
        kube 4.7: AutoUpdate SetWorkingDirectory
        kube 4.8: ContainersConfModule GlobalArgs KubeDownForce
        kube 5.2: LogOpt
        kube 5.3: ServiceName
        network 4.5: DisableDNS Driver Gateway IPAMDriver IPRange IPv6 Internal Label Options Subnet
        network 4.6: PodmanArgs
        network 4.7: DNS NetworkName
        network 4.8: ContainersConfModule GlobalArgs
        network 5.3: ServiceName
        network 5.5: NetworkDeleteOnStop
        network 5.6: InterfaceName
        volume 4.5: Copy Device Group Label Options Type User
        volume 4.6: PodmanArgs
        volume 4.7: VolumeName
        volume 4.8: ContainersConfModule Driver GlobalArgs Image
        volume 5.3: ServiceName
        volume 6.0: GID UID
        image 4.8: AllTags Arch AuthFile CertDir ContainersConfModule Creds DecryptionKey GlobalArgs Image ImageTag \
            OS PodmanArgs TLSVerify Variant
        image 5.3: ServiceName
        image 5.5: Retry RetryDelay
        image 5.6: Policy
        build 5.2: Annotation Arch AuthFile ContainersConfModule DNS DNSOption DNSSearch Environment File ForceRM \
            GlobalArgs GroupAdd ImageTag Label Network PodmanArgs Pull Secret SetWorkingDirectory TLSVerify Target \
            Variant Volume
        build 5.3: ServiceName
        build 5.5: Retry RetryDelay
        build 5.7: BuildArg IgnoreFile
        """

    @Test("Every key has the version that podman's sources give it")
    func table() throws {
        var known: [QuadletKind: Set<String>] = [:]
        for line in Self.sources.split(separator: "\n") {
            let words = line.split(whereSeparator: { $0 == " " || $0 == ":" }).map(String.init)
            let kind = try #require(QuadletKind(rawValue: words[0]))
            let version = try #require(PodmanVersion(words[1]))
            for key in words.dropFirst(2) {
                #expect(QuadletKeys.since(key, in: kind) == version, "\(key)= of .\(kind.rawValue)")
                known[kind, default: []].insert(key)
            }
        }
        for kind in QuadletKind.allCases {
            #expect(QuadletKeys.all(of: kind) == known[kind, default: []].sorted(), "\(kind)")
        }
    }

    @Test(
        "Values that an older podman takes for something else ask for a newer one",
        arguments: [
            ("Notify=healthy", "5.0", "Notify=healthy in [Container]"), ("Notify=true", "4.5", "a .container file"),
            ("Network=db.container", "5.3", "Network=db.container in [Container]"),
            ("Network=db.network", "4.5", "a .container file"),
            (
                "Mount=type=image,source=x.image,destination=/x", "5.3",
                "Mount=type=image,source=x.image,destination=/x in [Container]"
            ),
            ("Mount=type=volume,source=x.volume,destination=/x", "4.5", "a .container file"),
        ]
    )
    func values(line: String, version: String, cause: String) throws {
        let file = try ParsedUnitFile.parse("[Container]\nImage=localhost/x:1\n\(line)\n")
        let podman = QuadletFacts(of: .container, file).podman
        // `Mount=` itself came with 4.5, as all that is older counts.
        #expect(podman.version == PodmanVersion(version) && podman.cause == cause, "\(podman)")
    }
}
