/// What we agreed on, as data: a change of a habit is a change of a line here.
enum Rules {
    // MARK: Sizes

    static let fileLines = 600
    static let functionLines = 70
    static let columns = 120

    // MARK: Rings

    /// Ring 1 decides, ring 2 runs ring 1, ring 3 touches the world; an executable may use all of them.
    static let rings: [Int: Set<String>] = [
        1: [
            "UnitFile", "FleetModel", "FleetRegistry", "FleetPlanner", "FleetEngine", "FleetAgent", "FleetUseCases",
            "FleetAPI",
        ],
        2: ["FleetRuntime"],
        3: [
            "CRuntime", "CSystemd", "EtcdProto", "EtcdStore", "SQLiteStore", "SecretKeys", "SystemdBus", "FleetServer",
            "HealthProbes",
        ],
        4: ["fleetd", "fleetctl"],
    ]

    static func ring(of module: String) -> Int? { rings.first { $0.value.contains(module) }?.key }

    /// What the inner rings may import beside their own: ring 1 nothing but what computes, ring 2 what runs tasks.
    static let outsideImports: [Int: Set<String>] = [
        1: [],
        2: ["AsyncAlgorithms", "FoundationEssentials", "Logging", "Metrics", "ServiceLifecycle", "Synchronization"],
    ]

    static let outsideImportsOfModule: [String: Set<String>] = [
        "UnitFile": ["Crypto"],  // SHA-256 of the text
        "FleetRegistry": ["FoundationEssentials"],  // JSON coders
    ]

    /// Identifiers ring 1 may not have, with what to do instead.
    static let bannedInRing1: [String: String] = {
        var banned: [String: String] = [:]
        func ban(_ names: [String], _ instead: String) { for name in names { banned[name] = instead } }
        ban(
            [
                "async", "await", "Task", "TaskGroup", "withTaskGroup", "actor", "AsyncStream", "AsyncSequence",
                "MainActor",
            ],
            "ring 1 is synchronous: return a directive and let ring 2 wait"
        )
        ban(
            ["Date", "Clock", "ContinuousClock", "SuspendingClock", "DispatchTime", "clock_gettime"],
            "take `now` as an argument"
        )
        ban(
            ["random", "randomElement", "shuffle", "shuffled", "SystemRandomNumberGenerator", "UUID"],
            "take the id or the random number as an argument; break ties by id"
        )
        ban(
            ["Logger", "print", "debugPrint", "dump"],
            "return what there is to say; ring 2 logs it"
        )
        ban(
            [
                "FileManager", "FileHandle", "FileDescriptor", "ProcessInfo", "DispatchQueue", "Thread", "getenv",
                "fopen",
            ],
            "ring 1 does no I/O: make it a directive or an argument"
        )
        return banned
    }()

    /// Those of them that are the standard library's functions, and may name a member of ours.
    static let bannedAsFunctions: Set<String> = ["print", "debugPrint", "dump"]

    // MARK: Words

    struct Word {
        var instead: String
        /// Modules where the word has its own, right meaning.
        var allowedIn: Set<String> = []
        /// Identifiers that are names of others, or ports; names made from them are right too.
        var identifiers: Set<String> = []
        /// A comment that speaks of one of these may use the word.
        var phrases: [String] = []
    }

    static let words: [String: Word] = [
        "node": Word(instead: "machine"),
        "helper": Word(instead: "a name that says what it does"),
        "util": Word(instead: "a name that says what it does"),
        "job": Word(
            instead: "unit or operation (jobs are systemd's)",
            allowedIn: [
                "SystemdBus", "FleetAgent", "FleetModel", "FleetSimulator", "SQLiteStore", "SystemTests",
            ],
            identifiers: ["UnownedJob", "ExecutorJob"],
            phrases: ["systemd"]
        ),
        "manager": Word(
            instead: "a name that says what it decides",
            allowedIn: ["SystemdBus"],
            identifiers: ["UnitManager", "FileManager"],
            phrases: ["systemd", "UnitManager"]
        ),
        "server": Word(
            instead: "machine, registry or FleetServer",
            allowedIn: [
                "FleetServer", "FleetAPI", "FleetRuntime", "fleetd", "fleetctl", "EtcdStore", "SystemTests",
            ],
            identifiers: ["FleetServer", "etcd_servers", "serverHostname", "ServerBootstrap"],
            phrases: ["HTTP", "FleetServer"]
        ),
        "handler": Word(
            instead: "a name that says what it does",
            allowedIn: ["FleetServer", "fleetctl"],
            identifiers: [
                "LogHandler", "ChannelHandler", "ChannelInboundHandler", "ChannelOutboundHandler", "NIOHTTP2Handler",
                "NIOSSLClientHandler", "addHandler", "handlerAdded", "handlerRemoved", "withTaskCancellationHandler",
                "sd_bus_message_handler_t",
            ],
            phrases: ["NIO", "sd_bus", "signal handler"]
        ),
    ]

    // MARK: Code

    /// Pieces of code nobody writes, with what to do instead.
    static let bannedCode: [String: String] = [
        "try!": "handle the error, or trap with a message that has the state in it",
        "as!": "use `as?` and say what was there instead",
        "fatalError()": "say what was wrong, with the state",
        "preconditionFailure()": "say what was wrong, with the state",
        "assertionFailure()": "say what was wrong, with the state",
    ]

    /// Pieces of code that need a comment right above which proves them.
    static let needsProof = ["@unchecked Sendable", "nonisolated(unsafe)", "@preconcurrency"]

    /// Imports nobody needs, with what to use instead.
    static let bannedImports: [String: String] = [
        "Foundation": "FoundationEssentials: the rest of Foundation costs 44 MB in a static binary"
    ]

    /// Waiting for time to pass. The lab's and the stores' one poll is excepted: files named Eventually.swift.
    static let sleeps = [
        "Task.sleep", "clock.sleep(", ".sleep(for", ".sleep(until", "usleep(", "nanosleep(", "Thread.sleep",
    ]

    /// What the comment above a sleep says that is not a wait for something to have happened.
    static let sleepExcuse = "Not a wait:"

    /// Notes to oneself: they belong into the issue list.
    static let notes: Set<String> = ["TODO", "FIXME", "XXX", "HACK"]
}
