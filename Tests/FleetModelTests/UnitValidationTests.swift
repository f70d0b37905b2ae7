import FleetModel
import Testing
import UnitFile

/// What is refused here was seen refused by `systemd-analyze verify` of systemd 252 ("Refusing.", "bad unit file
/// setting"), and what passes was seen to pass.
@Suite struct UnitValidationTests {
    @Test(arguments: [
        ("a.service", "[Service]\nExecStart=/bin/true\n"),
        ("a.service", "[Service]\nExecStart=true\n"),
        ("a.service", "[Service]\nExecStart=-/bin/true\nType=forking\n"),
        ("a.service", "[Service]\nExecStart=@/bin/true x\n"),
        ("a.service", "[Service]\nExecStart=%h/bin/x\n"),
        ("a.service", "[Service]\nExecStart=-relative/path\nExecStart=/bin/true\nType=oneshot\n"),
        ("a.service", "[Service]\nExecStart=/bin/false\nExecStart=\nExecStart=/bin/true\n"),
        ("a.service", "[Service]\nExecStart=/bin/true\nExecStart=-\n"),
        ("a.service", "[Service]\nType=oneshot\nExecStart=/bin/true\nExecStart=/bin/true\n"),
        ("a.service", "[Service]\nType=oneshot\nExecStart=/bin/true\nRestart=on-failure\n"),
        ("a.service", "[Service]\nExecStop=/bin/true\nRemainAfterExit=yes\n"),
        ("a.service", "[Service]\nType=dbus\nBusName=org.x\nExecStart=/bin/true\n"),
        ("a.service", "[Service]\nType=%i\nExecStart=/bin/true\nExecStart=/bin/true\n"),
        ("a.service", "[Unit]\nSuccessAction=reboot\n"),
        ("a@.service", "[Service]\nExecStart=/bin/true %i\n"),
        ("a@1.service", "[Service]\nExecStart=/bin/true %i\n"),
        ("a.target", "[Unit]\nDescription=x\n"),
        ("a.slice", "[Slice]\n"),
        ("a.swap", "[Swap]\n"),
        ("a.device", "[Unit]\n"),
        (".a.service", "[Service]\nExecStart=/bin/true\n"),
        ("a.timer", "[Timer]\nOnCalendar=daily\n"),
        ("a.timer", "[Timer]\nOnClockChange=yes\n"),
        ("a.path", "[Path]\nPathExists=/x\n"),
        ("a.socket", "[Socket]\nListenStream=/run/x\nListenDatagram=/run/y\n"),
        ("a.socket", "[Socket]\nListenStream=80\nService=b.service\n"),
        ("mnt-a.mount", "[Mount]\nWhat=/dev/x\nWhere=/mnt/a\n"),
        ("mnt-a.mount", "[Mount]\nWhat=/dev/x\n"),
        ("mnt-a\\x2db.mount", "[Mount]\nWhat=/dev/x\nWhere=/mnt/a-b/\n"),
        ("mnt-a.automount", "[Automount]\nWhere=/mnt/a\n"),
        ("mnt-a.automount", "[Automount]\n"),
    ])
    func accepted(_ name: String, _ text: String) throws {
        let (file, _, options) = try UnitValidation.validate(name: UnitName(name), text: text)
        #expect(file.text == text)
        #expect(file.path == name)
        #expect(options == FleetOptions())
    }

    @Test(arguments: [
        ("a.service", "", "a.service: the file has no section"),
        ("a.service", "# nothing\n", "a.service: the file has no section"),
        ("a.service", "[Unit]\n", "a.service: the service has neither ExecStart= nor ExecStop="),
        ("a.service", "[Unit]\n[Service]\n", "a.service:2:1: the service has neither"),
        ("a.service", "[Service]\nExecStart=/bin/true\nExecStart=\n", "a.service:3:11: the service has neither"),
        ("a.service", "[Service]\nType=oneshot\nRemainAfterExit=yes\n", "a.service:1:1: the service has neither"),
        ("a.service", "[Service]\nExecStart=\\\n", "a.service:2:11: the service has neither"),
        (
            "a.service", "[Service]\nExecStop=/bin/true\n",
            "a.service:2:10: a service without ExecStart= needs RemainAfterExit"
        ),
        (
            "a.service", "[Service]\nType=simple\nExecStop=/bin/true\n",
            "a.service:2:6: a service of Type=simple needs ExecStart="
        ),
        (
            "a.service", "[Service]\nExecStart=/bin/true\nExecStart=/bin/true\n",
            "a.service:3:11: the service has 2 ExecStart= lines"
        ),
        ("a.service", "[Service]\nType=dbus\nExecStart=/bin/true\n", "a.service:2:6: Type=dbus needs BusName="),
        (
            "a.service", "[Service]\nType=oneshot\nExecStart=/bin/true\nRestart=always\n",
            "a.service:4:9: systemd allows no Restart=always"
        ),
        (
            "a.service", "[Service]\nExecStart=/bin/true\nExecStop=bin/stop now\n",
            "a.service:3:10: ExecStop=bin/stop is neither"
        ),
        ("a.service", "[Service]\nExecStart=./run.sh\n", "a.service:2:11: ExecStart=./run.sh is neither"),
        (
            "a.service", "[Service]\nExecStart=:x/y\nExecStart=\nExecStart=/bin/true\n",
            "a.service:2:11: ExecStart=x/y is neither"
        ),
        ("a.timer", "[Timer]\nUnit=b.service\n", "a.timer:2:6: the timer never elapses"),
        ("a.timer", "[Timer]\nOnCalendar=daily\nOnBootSec=\n", "a.timer:1:1: the timer never elapses"),
        ("a.path", "[Path]\nPathExists=/x\nPathChanged=\n", "a.path:1:1: the path unit watches nothing"),
        ("a.socket", "[Socket]\nAccept=yes\n", "a.socket:2:8: the socket listens nowhere"),
        ("a.socket", "[Socket]\nListenStream=/x\nListenDatagram=\n", "a.socket:1:1: the socket listens nowhere"),
        (
            "a.socket", "[Socket]\nListenStream=1\nAccept=yes\nService=b.service\n",
            "a.socket:4:9: systemd allows no Service= with Accept=yes"
        ),
        ("mnt-a.mount", "[Mount]\nWhere=/mnt/a\n", "mnt-a.mount:2:7: the mount unit does not say what"),
        (
            "mnt-b.mount", "[Mount]\nWhat=/x\nWhere=/mnt/a\n",
            "mnt-b.mount:3:7: Where=/mnt/a does not fit the unit's name"
        ),
        ("mnt-b.automount", "[Automount]\nWhere=/mnt/a\n", "mnt-b.automount:2:7: Where=/mnt/a does not fit"),
        ("a.scope", "[Scope]\n", "a.scope: systemd loads no scope from a file"),
        (
            "fleet-pull-1.service", "[Service]\nExecStart=/x\n",
            "fleet-pull-1.service: fleet-pull-1.service is a name that"
        ),
        (
            "fleetd.service", "[Service]\nExecStart=/x\n",
            "fleetd.service: fleetd.service is a name that fleet itself uses"
        ),
        ("a@.mount", "[Mount]\nWhat=/x\n", "a@.mount: invalid unit type for template: \"mount\""),
        ("a@1.slice", "[Slice]\n", "a@1.slice: invalid unit type for template: \"slice\""),
        ("a.service", "oops\n", "a.service:1:1: 'oops' stands before the first section"),
        ("a.service", "[Service]\nExecStart=/bin/true\n[X-Fleet]\nGlobl=1\n", "a.service:4:1: unknown key Globl="),
        (
            "a.service", "[Service]\nExecStart=/bin/true\n[X-Fleet]\nMachineOf=%n\n",
            "a.service:4:11: MachineOf=a.service is this unit itself"
        ),
    ])
    func refused(_ name: String, _ text: String, _ message: String) throws {
        let unit = try UnitName(name)
        let error = #expect(throws: UnitFileError.self) { try UnitValidation.validate(name: unit, text: text) }
        #expect(error?.description.hasPrefix(message) == true, "\(error?.description ?? "")")
        let named = #expect(throws: UnitFileError.self) {
            try UnitValidation.validate(name: unit, text: text, path: "dir/x")
        }
        #expect(named?.description.hasPrefix("dir/x:") == true)
    }

    @Test func sizeIsLimited() throws {
        let text = "[Service]\nExecStart=/bin/true\n" + String(repeating: "#\n", count: Limits.unitFileBytes / 2)
        let error = #expect(throws: UnitFileError.self) {
            try UnitValidation.validate(name: UnitName("a.service"), text: text)
        }
        #expect(error?.message.contains("\(Limits.unitFileBytes)") == true)
    }

    static let service = "[Service]\nExecStart=/bin/true\n"

    @Test(
        arguments: [
            ("a.service", service, nil),
            ("a.service", service + "[X-Notes]\na=b\n[Install]\nWantedBy=x.target\n[X-Fleet]\nGlobal=yes\n", nil),
            (
                "a.service", service + "[Sevice]\n",
                "a.service:3:1: systemd ignores [Sevice] in a service unit; did you mean [Service]?"
            ),
            ("a.service", service + "[Container]\n", "a.service:3:1: systemd ignores [Container] in a service unit"),
            ("a.target", "[Unit]\n[Service]\n", "a.target:2:1: systemd ignores [Service] in a target unit"),
            (
                "a.service", "[Unit]\nFailureAction=reboot\n" + service,
                "a.service:2:15: FailureAction=reboot acts on the whole machine"
            ),
            ("a.service", "[Unit]\nFailureAction=none\nSuccessAction=\n" + service, nil),
            (
                "a.service", service + "[X-Fleet]\nX-Conflicts=b\n",
                "a.service:4:13: X-Conflicts= is the old name of Conflicts="
            ),
            ("a.device", "[Unit]\n", "a.device: a device unit cannot be started"),
            (
                "a.timer", "[Timer]\nOnCalendar=daily\n[X-Fleet]\nAtMostOnce=yes\n",
                "a.timer:4:12: AtMostOnce= guards the timer unit only"
            ),
            (
                "a.service", service + "TimeoutStopSec=1min\n[X-Fleet]\nAtMostOnce=yes\n",
                "a.service:3:16: AtMostOnce= leaves the unit 3/10 of the machine's agent_ttl to stop, 3s unless it is set"
            ),
            ("a.service", service + "TimeoutStopSec=3\n[X-Fleet]\nAtMostOnce=yes\n", nil),
            (
                "a.service", service + "[X-Fleet]\nRescheduleLimitIntervalSec=30\n",
                "a.service:4: 5 failures never fall within 30s: the waits between them alone take 35s"
            ),
            ("a.service", service + "[X-Fleet]\nRescheduleLimitIntervalSec=36\n", nil),
            ("a.service", service + "[X-Fleet]\nRescheduleLimitIntervalSec=1\nRescheduleLimit=0\n", nil),
        ] as [(String, String, String?)]
    )
    func warnings(_ name: String, _ text: String, _ expected: String?) throws {
        let unit = try UnitName(name)
        let (file, _, _) = try UnitValidation.validate(name: unit, text: text)
        let warnings = UnitValidation.warnings(name: unit, file: file)
        #expect(warnings.count == (expected == nil ? 0 : 1), "\(warnings)")
        #expect(warnings.first?.hasPrefix(expected ?? "") ?? true, "\(warnings)")
    }

    @Test(
        arguments: [
            ("SendSIGKILL=no", "SendSIGKILL=no cannot be used with AtMostOnce=yes"),
            ("KillMode=process", "KillMode=process cannot be used with AtMostOnce=yes"),
            ("KillMode=none", "KillMode=none cannot be used with AtMostOnce=yes"),
            ("FinalKillSignal=SIGTERM", "FinalKillSignal=SIGTERM cannot be used with AtMostOnce=yes"),
        ]
    )
    func whatLeavesProcessesBehindIsNotAtMostOnce(_ line: String, _ expected: String) throws {
        let text = Self.service + line + "\n"
        let name = try UnitName("a.service")
        _ = try UnitValidation.validate(name: name, text: text)
        let error = #expect(throws: UnitFileError.self) {
            try UnitValidation.validate(name: name, text: text + "[X-Fleet]\nAtMostOnce=yes\n")
        }
        #expect(error?.description.hasPrefix("a.service:3:") == true)
        #expect(error?.message.contains(expected) == true)
    }

    /// The examples of fleet's own documentation and of its functional tests have to go on working.
    @Test(arguments: [
        (
            "hello.service",
            "[Unit]\nDescription=Says hello\n\n[Service]\nExecStart=/bin/sh -c \"while :; do echo hi; sleep 1; done\"\n"
        ),
        ("conflict.0.service", service + "\n[X-Fleet]\nConflicts=conflict.*.service\n"),
        (
            "conflict.multiple.0.service",
            service + "[X-Fleet]\nX-Conflicts=conflict.multiple.*.service\nX-Conflicts=x@*.service y.service\n"
        ),
        ("global.service", service + "\n[X-Fleet]\nGlobal=true\n"),
        ("m.service", service + "[X-Fleet]\nMachineMetadata=\"region=us-east-1\" \"diskType=SSD\"\n"),
        ("m.service", service + "[X-Fleet]\nMachineMetadata=region=us-east-1\nMachineMetadata=diskType=SSD\n"),
        ("m.service", service + "[X-Fleet]\nX-ConditionMachineMetadata=az=us-west-1a\n"),
        ("m@1.service", service + "[X-Fleet]\nMachineOf=%p.socket\n"),
        ("m.service", service + "[X-Fleet]\nX-ConditionMachineOf=web.service\n"),
        ("replace.1.service", service + "[X-Fleet]\nReplaces=replace.0.service\n"),
        (
            "front@.service",
            """
            [Unit]
            Description=A web front end
            After=docker.service
            Requires=docker.service

            [Service]
            TimeoutStartSec=0
            ExecStartPre=-/usr/bin/docker kill web%i
            ExecStartPre=/usr/bin/docker pull example/web
            ExecStart=/usr/bin/docker run --rm --name web%i -p 80:80 example/web
            ExecStop=/usr/bin/docker stop web%i

            [X-Fleet]
            Conflicts=%p@*.service

            """
        ),
    ])
    func oldFleetUnits(_ name: String, _ text: String) throws {
        let (file, _, _) = try UnitValidation.validate(name: UnitName(name), text: text)
        #expect(file.text == text)
    }
}
