import FoundationEssentials

/// A Debian root file system that machines boot from, each with its own overlay on top.
///
/// It is built once and kept: the folder's name carries a hash of the recipe, so that a changed recipe makes a new one.
package struct RootFileSystem: Sendable {
    package let suite: Debian
    /// Packages beyond the base, `podman` say.
    package let extraPackages: [String]

    package init(_ suite: Debian, with extraPackages: [String] = []) {
        self.suite = suite
        self.extraPackages = extraPackages.sorted()
    }

    package var path: String { "\(LabDirectory.roots)/\(suite)-\(recipeHash)" }

    package var isBuilt: Bool { Files.exists(path) }

    /// Enough for systemd and our packages' dependencies, and no more: what a test needs beyond it, it should say.
    private static let packages = [
        "dbus", "init-system-helpers", "iproute2", "libgcc-s1", "libsqlite3-0", "libstdc++6", "libsystemd0", "procps",
        "systemd", "systemd-sysv", "zlib1g",
    ]

    /// Shell lines that run on the host with the root's path in `$1`.
    private static let customize = #"""
        set -eu
        # Names resolve at once or not at all: no machine waits for a resolver that it cannot reach.
        printf '127.0.0.1 localhost\n::1 localhost\n' >"$1/etc/hosts"
        rm -f "$1/etc/resolv.conf"
        echo 'nameserver 127.0.0.1' >"$1/etc/resolv.conf"
        # Units that cannot succeed in a container and would make every machine "degraded".
        for unit in systemd-modules-load.service systemd-networkd-wait-online.service console-getty.service \
            apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer fstrim.timer
        do
            ln -sfn /dev/null "$1/etc/systemd/system/$unit"
        done
        mkdir -p "$1/etc/systemd/system/multi-user.target.wants"
        ln -sfn /lib/systemd/system/systemd-networkd.service \
            "$1/etc/systemd/system/multi-user.target.wants/systemd-networkd.service"
        # The journal survives a power cut, so that it can tell about it.
        mkdir -p "$1/var/log/journal"
        # Every machine gets its own.
        rm -f "$1/etc/hostname"
        : >"$1/etc/machine-id"
        rm -f "$1/var/lib/dbus/machine-id"
        rm -rf "$1"/var/lib/apt/lists/* "$1"/var/cache/apt/* "$1"/usr/share/doc/* "$1"/usr/share/man/* \
            "$1"/usr/share/locale/* "$1/dev/console"
        """#

    private var recipe: String {
        "\(suite)\n\(RootFileSystem.packages + extraPackages)\n\(RootFileSystem.customize)"
    }

    /// FNV-1a over the recipe: stable from run to run, which Swift's own hashing is not.
    private var recipeHash: String {
        let hash = recipe.utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
        return String(hash, radix: 16)
    }

    /// Builds the root if it is not there yet (about 20 s and 160 MB).
    package func build() async throws {
        if isBuilt { return }
        try Files.makeDirectory(LabDirectory.roots)
        guard let me = HostProcess.current else { throw LabError("/proc is not mounted") }
        let building = "\(path).building-\(me.id)"
        let options = "\(building).apt.conf"
        try Files.write(await RootFileSystem.aptOptions(), to: options)
        let result = try await HostCommand.run(
            [
                "mmdebstrap", "--quiet", "--variant=minbase", "--mode=root", "--aptopt=\(options)",
                "--include=\((RootFileSystem.packages + extraPackages).joined(separator: ","))",
                "--customize-hook=\(RootFileSystem.customize)", suite.rawValue, building, RootFileSystem.mirror(),
            ],
            limit: .seconds(900)
        )
        _ = try await HostCommand.run(["rm", "-f", options])
        guard result.succeeded else {
            _ = try await HostCommand.run(["rm", "-rf", "--one-file-system", building])
            throw LabError("the root file system for \(suite) could not be built: \(result)")
        }
        // A second builder of the same recipe may have been first; its root is as good as ours. `mv -T` onto a folder
        // that is not empty fails.
        if try await !HostCommand.run(["mv", "-T", building, path]).succeeded {
            _ = try await HostCommand.run(["rm", "-rf", "--one-file-system", building])
            guard isBuilt else { throw LabError("\(building) cannot become \(path)") }
        }
    }

    /// The mirror this host uses for Debian, so that the lab needs no other.
    static func mirror() -> String {
        let folder = "/etc/apt/sources.list.d"
        let files = ["/etc/apt/sources.list"] + Files.names(in: folder).map { "\(folder)/\($0)" }
        let words = files.compactMap(Files.text).flatMap { text in
            text.split(separator: "\n").filter { !$0.hasPrefix("#") }
        }.flatMap { $0.split(separator: " ") }
        let mirror = words.first { word in
            word.hasPrefix("http") && (word.hasSuffix("/debian") || word.hasSuffix("/debian/"))
        }
        return mirror.map(String.init) ?? "http://deb.debian.org/debian"
    }

    /// What this host's apt is told about proxies and dates holds for the machines' packages too.
    private static func aptOptions() async throws -> String {
        let wanted = ["Acquire::http", "Acquire::https", "Acquire::Check-", "Acquire::Retries"]
        return try await HostCommand.run(["apt-config", "dump"]).checked().lines
            .filter { line in
                wanted.contains { line.hasPrefix($0) } && !line.hasSuffix("\"\";") && !line.contains("User-Agent")
            }
            .joined(separator: "\n") + "\n"
    }
}
