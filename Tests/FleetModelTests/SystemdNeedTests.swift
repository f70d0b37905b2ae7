import FleetModel
import Testing
import UnitFile

@Suite struct SystemdNeedTests {
    @Test(
        arguments: [
            ("[Service]\nExecStart=/bin/true\n", nil),
            ("[Service]\nRestartSteps=3\n", SystemdNeed(254, cause: "RestartSteps= in [Service]")),
            ("[Service]\nType=notify\n", nil),
            ("[Service]\nType=notify-reload\n", SystemdNeed(253, cause: "Type=notify-reload in [Service]")),
            (
                "[Unit]\nWantsMountsFor=/srv\n[Service]\nOpenFile=/etc/x\n",
                SystemdNeed(256, cause: "WantsMountsFor= in [Unit]")
            ),
            ("[Service]\nRestartMode=direct\n", SystemdNeed(254, cause: "RestartMode= in [Service]")),
            ("[Service]\nRestartMode=debug\n", SystemdNeed(257, cause: "RestartMode=debug in [Service]")),
            // Podman's key of that name is not systemd's.
            ("[Container]\nReloadSignal=HUP\n[Quadlet]\nDefaultDependencies=no\n", nil),
            // An empty value takes back; another program's section is not systemd's.
            ("[Service]\nOpenFile=\n[X-Other]\nRestartSteps=1\n", nil),
        ] as [(String, SystemdNeed?)]
    ) func needs(text: String, need: SystemdNeed?) throws {
        #expect(SystemdNeed(of: try ParsedUnitFile.parse(text)) == need)
    }
}
