/// The shell scripts that stand between this process and a machine's PID 1.
///
/// Everything they mount is in a mount namespace of its own and everything they connect in a network namespace of its
/// own, so the host sees processes and a cgroup, nothing else, and killing the processes undoes all of it.
enum BootScript {
    /// Holds a lab's network: a process that sleeps in a network namespace with a bridge, which lives exactly as long.
    /// Argument: the file that gets "PID START".
    static let network = #"""
        set -eu
        ip link set lo up
        ip link add fl0 type bridge
        ip link set fl0 up
        echo "$$ $(cut -d ' ' -f 22 /proc/$$/stat)" >"$1"
        exec sleep infinity
        """#

    /// Boots a machine. Arguments: its folder, the root file system, the process that holds the network, its name on
    /// the host, its own host name, its cgroup.
    static let machine = #"""
        set -eu
        folder=$1 root=$2 network=$3 name=$4 hostname=$5 cgroup=$6
        # Where the host's file system cannot be an upper layer (it is an overlay itself), the machine gets a copy.
        if ! mount -t overlay -o "lowerdir=$root,upperdir=$folder/upper,workdir=$folder/work" overlay "$folder/root"
        then
            if ! [ -d "$folder/copy/usr" ]; then
                mkdir -p "$folder/copy"
                cp -a --reflink=auto "$root/." "$folder/copy/"
                cp -a "$folder/upper/." "$folder/copy/"
            fi
            mount --bind "$folder/copy" "$folder/root"
        fi
        # A host with version 1 controllers cannot give them to a machine; the version 2 hierarchy without controllers
        # is all that systemd needs.
        if [ "$(stat -f -c %T /sys/fs/cgroup)" != cgroup2fs ]; then
            umount -l /sys/fs/cgroup
            mount -t cgroup2 cgroup2 /sys/fs/cgroup
        fi
        if [ -d "/sys/fs/cgroup/$cgroup" ]; then
            find "/sys/fs/cgroup/$cgroup" -mindepth 1 -depth -type d -exec rmdir {} +
        fi
        mkdir -p "/sys/fs/cgroup/$cgroup"
        echo $$ >"/sys/fs/cgroup/$cgroup/cgroup.procs"
        echo "$$ $(cut -d ' ' -f 22 /proc/$$/stat)" >"$folder/nspawn.pid.new"
        mv "$folder/nspawn.pid.new" "$folder/nspawn.pid"
        # Podman's storage is in memory, because it cannot be an overlay on an overlay, unless the machine has a folder
        # for it that stays.
        if [ -d "$folder/containers" ]; then
            containers="--bind=$folder/containers:/var/lib/containers"
        else
            containers=--tmpfs=/var/lib/containers:mode=755
        fi
        # Unified also where systemd on the host says otherwise; the private mount above is what counts.
        export SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1
        exec nsenter --net="/proc/$network/ns/net" systemd-nspawn --quiet --register=no --keep-unit \
            --directory="$folder/root" --machine="$name" --hostname="$hostname" \
            --capability=all --system-call-filter='add_key keyctl bpf' "$containers" \
            --network-bridge=fl0 --resolv-conf=off --timezone=off --link-journal=no --boot
        """#
}
