import FleetModel
import Glibc

/// Asks podman which of its volumes hold nothing. A transient service does, because fleetd's own service does not see
/// all that podman's storage may be in (`ProtectHome=`).
enum VolumeQuestion {
    /// podman answers at once, or somebody holds its locks: then the volumes count as holding data.
    private static let timeout = Duration.seconds(5)

    /// Prints the place of each argument that is a volume without data: podman knows none of the name, or it is a plain
    /// one (without options, which may mount something while a container runs) whose folder is empty.
    private static let script = """
        exec 2>/dev/null
        place=0
        for volume; do
            place=$((place + 1))
            podman volume exists "$volume"
            case $? in
            0)
                form='{{.Driver}} {{len .Options}} {{.Mountpoint}}'
                facts=$(podman volume inspect --format "$form" "$volume") || continue
                case $facts in
                'local 0 /'*) ;;
                *) continue ;;
                esac
                entries=$(ls -A "${facts#local 0 }") || continue
                [ -z "$entries" ] && echo "$place"
                ;;
            1) echo "$place" ;;
            esac
        done
        exit 0
        """

    static func unit(about volumes: [VolumeName], number: Int, output: Int32) -> PullUnit {
        PullUnit(
            name: "fleet-volumes-\(getpid())-\(number).service",
            description: "Fleet: what volumes hold",
            arguments: ["/bin/sh", "-c", script, "fleet-volumes"] + volumes.map(\.description),
            auth: nil,
            timeout: timeout,
            output: output
        )
    }

    static func empty(of volumes: [VolumeName], output: String) -> Set<VolumeName> {
        let places = output.split(whereSeparator: \.isWhitespace).compactMap { Int($0) }
        return Set(places.filter { (1...volumes.count).contains($0) }.map { volumes[$0 - 1] })
    }
}
