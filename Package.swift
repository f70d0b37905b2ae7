// swift-tools-version:6.2
import PackageDescription

// The three rings of ARCHITECTURE.md are visible here: a target of ring 1 may depend on ring 1 only, ring 2 on
// rings 1 and 2, ring 3 on anything. `TidyTests` reads this file and fails when an arrow points outward.

/// What every target is compiled with: warnings are errors, and imports say what they expose.
let strict: [SwiftSetting] = [
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

/// Decides: synchronous and pure.
let ring1: [Target] = [
    .target(name: "UnitFile", dependencies: [.product(name: "Crypto", package: "swift-crypto")], swiftSettings: strict),
    .target(name: "FleetModel", dependencies: ["UnitFile"], swiftSettings: strict),
    .target(name: "FleetRegistry", dependencies: ["FleetModel", "UnitFile"], swiftSettings: strict),
    .target(name: "FleetPlanner", dependencies: ["FleetModel", "UnitFile"], swiftSettings: strict),
    .target(
        name: "FleetEngine",
        dependencies: ["FleetModel", "FleetPlanner", "FleetRegistry", "UnitFile"],
        swiftSettings: strict
    ),
    .target(name: "FleetAgent", dependencies: ["FleetModel", "FleetRegistry", "UnitFile"], swiftSettings: strict),
    .target(
        name: "FleetUseCases",
        dependencies: ["FleetModel", "FleetPlanner", "FleetRegistry", "UnitFile"],
        swiftSettings: strict
    ),
    .target(name: "FleetAPI", dependencies: ["FleetModel", "UnitFile"], swiftSettings: strict),
]

let ring1Names = ring1.map { Target.Dependency(stringLiteral: $0.name) }

/// Runs ring 1: owns tasks and timers, knows the ports.
let ring2: [Target] = [
    .target(
        name: "FleetRuntime",
        dependencies: [
            .product(name: "Logging", package: "swift-log"),
            .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
        ] + ring1Names,
        swiftSettings: strict
    )
]

/// Touches the world.
let ring3: [Target] = [
    .systemLibrary(name: "CRuntime"),
    .systemLibrary(name: "CSystemd", pkgConfig: "libsystemd", providers: [.apt(["libsystemd-dev"])]),
    .target(
        name: "SQLiteStore",
        dependencies: [
            "FleetModel", "FleetRegistry", "FleetRuntime",
            .product(name: "GRDBSQLite", package: "GRDB.swift"),
            .product(name: "Logging", package: "swift-log"),
        ],
        swiftSettings: strict
    ),
    .target(
        name: "EtcdProto",
        dependencies: [.product(name: "SwiftProtobuf", package: "swift-protobuf")],
        exclude: ["etcd.proto"],
        swiftSettings: strict
    ),
    .target(
        name: "EtcdStore",
        dependencies: [
            "EtcdProto", "FleetModel", "FleetRegistry", "FleetRuntime",
            .product(name: "Logging", package: "swift-log"),
            .product(name: "NIOCore", package: "swift-nio"),
            .product(name: "NIOHPACK", package: "swift-nio-http2"),
            .product(name: "NIOHTTP2", package: "swift-nio-http2"),
            .product(name: "NIOPosix", package: "swift-nio"),
            .product(name: "NIOSSL", package: "swift-nio-ssl"),
            .product(name: "SwiftProtobuf", package: "swift-protobuf"),
        ],
        swiftSettings: strict
    ),
    .target(
        name: "SystemdBus",
        dependencies: [
            "CSystemd", "FleetAgent", "FleetModel", "FleetRegistry", "FleetRuntime", "UnitFile",
            .product(name: "Logging", package: "swift-log"),
        ],
        swiftSettings: strict
    ),
    .target(
        name: "HealthProbes",
        dependencies: [
            "FleetAgent", "FleetModel",
            .product(name: "NIOCore", package: "swift-nio"),
            .product(name: "NIOPosix", package: "swift-nio"),
        ],
        swiftSettings: strict
    ),
    .target(
        name: "SecretKeys",
        dependencies: ["FleetModel", "FleetRuntime", .product(name: "Crypto", package: "swift-crypto")],
        swiftSettings: strict
    ),
    .target(
        name: "FleetServer",
        dependencies: [
            "FleetAPI", "FleetModel", "FleetPlanner", "FleetRegistry", "FleetRuntime", "FleetUseCases", "UnitFile",
            .product(name: "HTTPTypes", package: "swift-http-types"),
            .product(name: "HummingbirdCore", package: "hummingbird"),
            .product(name: "Logging", package: "swift-log"),
            .product(name: "NIOCore", package: "swift-nio"),
            .product(name: "NIOPosix", package: "swift-nio"),
            .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
        ],
        swiftSettings: strict
    ),
]

let executables: [Target] = [
    .executableTarget(
        name: "fleetd",
        dependencies: [
            "CRuntime", "EtcdStore", "FleetAPI", "FleetAgent", "FleetModel", "FleetRegistry", "FleetRuntime",
            "FleetServer", "HealthProbes", "SQLiteStore", "SecretKeys", "SystemdBus", "UnitFile",
            .product(name: "ArgumentParser", package: "swift-argument-parser"),
            .product(name: "Logging", package: "swift-log"),
            .product(name: "NIOCore", package: "swift-nio"),
            .product(name: "NIOPosix", package: "swift-nio"),
            .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            .product(name: "UnixSignals", package: "swift-service-lifecycle"),
        ],
        swiftSettings: strict
    ),
    .executableTarget(
        name: "fleetctl",
        dependencies: [
            "FleetAPI", "FleetModel", "UnitFile",
            .product(name: "ArgumentParser", package: "swift-argument-parser"),
            .product(name: "Subprocess", package: "swift-subprocess"),
        ],
        swiftSettings: strict
    ),
]

/// Test support: fakes of the ports, and the lab that boots real systemd machines (which knows no target of ours).
let testSupport: [Target] = [
    .target(
        name: "MemoryStore",
        dependencies: ["FleetModel", "FleetRegistry", "FleetRuntime"],
        path: "Tests/MemoryStore",
        swiftSettings: strict
    ),
    .target(
        name: "FleetSimulator",
        dependencies: [
            "FleetAgent", "FleetEngine", "FleetModel", "FleetPlanner", "FleetRegistry", "FleetRuntime",
            "FleetUseCases", "UnitFile",
        ],
        path: "Tests/FleetSimulator",
        swiftSettings: strict
    ),
    .executableTarget(
        name: "fleet-sim",
        dependencies: ["FleetSimulator", .product(name: "ArgumentParser", package: "swift-argument-parser")],
        path: "Tests/fleet-sim",
        swiftSettings: strict
    ),
    .target(
        name: "EtcdLab",
        dependencies: ["FleetRuntime"],
        path: "Tests/EtcdLab",
        swiftSettings: strict
    ),
    .target(
        name: "Lab",
        dependencies: [.product(name: "Subprocess", package: "swift-subprocess")],
        path: "Tests/Lab",
        swiftSettings: strict
    ),
    .executableTarget(
        name: "fleet-lab",
        dependencies: ["Lab", .product(name: "ArgumentParser", package: "swift-argument-parser")],
        path: "Tests/fleet-lab",
        swiftSettings: strict
    ),
    .target(name: "Chaos", dependencies: ["Lab"], path: "Tests/Chaos", swiftSettings: strict),
    .executableTarget(
        name: "fleet-chaos",
        dependencies: ["Chaos", "Lab", .product(name: "ArgumentParser", package: "swift-argument-parser")],
        path: "Tests/fleet-chaos",
        swiftSettings: strict
    ),
    .executableTarget(
        name: "store-crash",
        dependencies: [
            "FleetModel", "FleetRegistry", "FleetRuntime", "SQLiteStore",
            .product(name: "Logging", package: "swift-log"),
        ],
        path: "Tests/store-crash",
        swiftSettings: strict
    ),
    .executableTarget(
        name: "fleet-bench",
        dependencies: [
            "FleetModel", "FleetRegistry", "FleetRuntime", "Lab", "SQLiteStore",
            .product(name: "ArgumentParser", package: "swift-argument-parser"),
            .product(name: "Logging", package: "swift-log"),
        ],
        path: "Tests/fleet-bench",
        swiftSettings: strict
    ),
]

/// The tests, from many to few.
let tests: [Target] = [
    test("UnitFileTests", ["UnitFile"]),
    test("FleetModelTests", ["FleetModel", "UnitFile"]),
    test("FleetRegistryTests", ["FleetModel", "FleetRegistry", "UnitFile"]),
    test("FleetPlannerTests", ["FleetModel", "FleetPlanner", "UnitFile"], exclude: ["Scripts"]),
    test("FleetEngineTests", ["FleetEngine", "FleetModel", "FleetPlanner", "FleetRegistry", "UnitFile"]),
    test("FleetAgentTests", ["FleetAgent", "FleetModel", "UnitFile"]),
    test("FleetUseCasesTests", ["FleetModel", "FleetRegistry", "FleetUseCases", "MemoryStore", "UnitFile"]),
    test("FleetRuntimeTests", ring1Names + ["FleetRuntime", "MemoryStore"]),
    test(
        "StoreContractTests",
        [
            "EtcdLab", "EtcdStore", "FleetModel", "FleetRegistry", "FleetRuntime", "MemoryStore", "SQLiteStore",
            "store-crash", .product(name: "Logging", package: "swift-log"),
        ]
    ),
    test(
        "EtcdStoreTests",
        [
            "EtcdLab", "EtcdProto", "EtcdStore", "FleetModel", "FleetRegistry", "FleetRuntime",
            .product(name: "Logging", package: "swift-log"),
            .product(name: "NIOCore", package: "swift-nio"),
            .product(name: "NIOHPACK", package: "swift-nio-http2"),
            .product(name: "NIOHTTP2", package: "swift-nio-http2"),
            .product(name: "NIOPosix", package: "swift-nio"),
            .product(name: "SwiftProtobuf", package: "swift-protobuf"),
        ]
    ),
    test(
        "SystemdBusTests",
        [
            "FleetAgent", "FleetModel", "FleetRegistry", "FleetRuntime", "SystemdBus", "UnitFile",
            .product(name: "Logging", package: "swift-log"),
        ]
    ),
    test(
        "HealthProbesTests",
        [
            "FleetAgent", "FleetModel", "HealthProbes",
            .product(name: "NIOCore", package: "swift-nio"),
            .product(name: "NIOPosix", package: "swift-nio"),
        ]
    ),
    test(
        "FleetServerTests",
        [
            "FleetAPI", "FleetModel", "FleetRegistry", "FleetRuntime", "FleetServer", "FleetUseCases", "MemoryStore",
            "UnitFile", .product(name: "Logging", package: "swift-log"),
            .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
        ]
    ),
    test(
        "FleetctlTests",
        [
            "FleetAPI", "FleetModel", "UnitFile", "fleetctl",
            .product(name: "NIOCore", package: "swift-nio"),
            .product(name: "NIOHTTP1", package: "swift-nio"),
            .product(name: "NIOPosix", package: "swift-nio"),
        ]
    ),
    test("SecretKeysTests", ["FleetModel", "FleetRuntime", "SecretKeys"]),
    test("SimulatorTests", ["FleetSimulator"]),
    test("TidyTests", []),
    test("SystemTests", ["Chaos", "Lab"]),
]

func test(_ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []) -> Target {
    .testTarget(name: name, dependencies: dependencies, exclude: exclude, swiftSettings: strict)
}

let package = Package(
    name: "fleet",
    products: [
        .executable(name: "fleetd", targets: ["fleetd"]),
        .executable(name: "fleetctl", targets: ["fleetctl"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-http2", exact: "1.46.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", exact: "2.37.6"),
        .package(url: "https://github.com/apple/swift-protobuf", exact: "1.39.0", traits: []),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1", traits: []),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2", traits: []),
    ],
    targets: ring1 + ring2 + ring3 + executables + testSupport + tests
)
