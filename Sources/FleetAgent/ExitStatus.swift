/// The words for exit statuses and signals, as systemd.exec(5) ("Process Exit Codes") and signal(7) name them.
enum ExitStatus {
    /// `3`, or `203/EXEC` for the statuses that systemd itself exits with before it runs the program.
    static func name(of status: Int32) -> String {
        guard let (name, _) = systemd[status] else { return String(status) }
        return "\(status)/\(name)"
    }

    /// What systemd could not do when a process it prepared exits with this status; nil for the program's own.
    static func meaning(of status: Int32) -> String? { systemd[status]?.meaning }

    /// `9 (KILL)`.
    static func signal(_ number: Int32) -> String {
        guard let name = signals[number] else { return String(number) }
        return "\(number) (\(name))"
    }

    private static let systemd: [Int32: (name: String, meaning: String)] = [
        200: ("CHDIR", "could not change to the working directory (WorkingDirectory=)"),
        201: ("NICE", "could not set the niceness (Nice=)"),
        202: ("FDS", "could not close or arrange file descriptors"),
        203: ("EXEC", "could not execute the program"),
        204: ("MEMORY", "ran out of memory before the program was executed"),
        205: ("LIMITS", "could not set resource limits (LimitCPU= and the like)"),
        206: ("OOM_ADJUST", "could not set the OOM score (OOMScoreAdjust=)"),
        207: ("SIGNAL_MASK", "could not set the signal mask"),
        208: ("STDIN", "could not set up standard input"),
        209: ("STDOUT", "could not set up standard output"),
        210: ("CHROOT", "could not change the root directory (RootDirectory=)"),
        211: ("IOPRIO", "could not set the I/O priority (IOSchedulingClass=)"),
        212: ("TIMERSLACK", "could not set the timer slack (TimerSlackNSec=)"),
        213: ("SECUREBITS", "could not set the secure bits (SecureBits=)"),
        214: ("SETSCHEDULER", "could not set the CPU scheduling (CPUSchedulingPolicy=)"),
        215: ("CPUAFFINITY", "could not set the CPU affinity (CPUAffinity=)"),
        216: ("GROUP", "could not find or use the group (Group=)"),
        217: ("USER", "could not find or use the user (User=)"),
        218: ("CAPABILITIES", "could not drop or set capabilities"),
        219: ("CGROUP", "could not set up the control group"),
        220: ("SETSID", "could not create a new session"),
        221: ("CONFIRM", "the start was not confirmed on the console"),
        222: ("STDERR", "could not set up standard error"),
        224: ("PAM", "could not open the PAM session (PAMName=)"),
        225: ("NETWORK", "could not set up network namespacing (PrivateNetwork=)"),
        226: ("NAMESPACE", "could not set up mount namespacing (a path of ReadOnlyPaths= and the like)"),
        227: ("NO_NEW_PRIVILEGES", "could not disable new privileges"),
        228: ("SECCOMP", "could not apply system call filters (SystemCallFilter=)"),
        229: ("SELINUX_CONTEXT", "could not set the SELinux context"),
        230: ("PERSONALITY", "could not set the execution domain (Personality=)"),
        231: ("APPARMOR_PROFILE", "could not change the AppArmor profile"),
        232: ("ADDRESS_FAMILIES", "could not restrict address families"),
        233: ("RUNTIME_DIRECTORY", "could not set up RuntimeDirectory="),
        235: ("CHOWN", "could not change the owner of a socket"),
        236: ("SMACK_PROCESS_LABEL", "could not set the SMACK label"),
        237: ("KEYRING", "could not set up the kernel keyring"),
        238: ("STATE_DIRECTORY", "could not set up StateDirectory="),
        239: ("CACHE_DIRECTORY", "could not set up CacheDirectory="),
        240: ("LOGS_DIRECTORY", "could not set up LogsDirectory="),
        241: ("CONFIGURATION_DIRECTORY", "could not set up ConfigurationDirectory="),
        242: ("NUMA_POLICY", "could not set the NUMA policy (NUMAPolicy=)"),
        243: ("CREDENTIALS", "could not set up credentials (LoadCredential=)"),
        245: ("BPF", "could not apply BPF restrictions"),
    ]

    /// signal(7) on x86 and ARM.
    private static let signals: [Int32: String] = [
        1: "HUP", 2: "INT", 3: "QUIT", 4: "ILL", 5: "TRAP", 6: "ABRT", 7: "BUS", 8: "FPE", 9: "KILL", 10: "USR1",
        11: "SEGV", 12: "USR2", 13: "PIPE", 14: "ALRM", 15: "TERM", 16: "STKFLT", 17: "CHLD", 18: "CONT", 19: "STOP",
        20: "TSTP", 21: "TTIN", 22: "TTOU", 23: "URG", 24: "XCPU", 25: "XFSZ", 26: "VTALRM", 27: "PROF", 28: "WINCH",
        29: "IO", 30: "PWR", 31: "SYS",
    ]
}
