import CRuntime
import NIOCore
import NIOPosix

/// All of fleetd's tasks run on one thread, NIO's event loop; only SQLite, sd-bus and followed journals have threads of
/// their own, because their calls block.
///
/// Swift's own pool is libdispatch's. On Linux that looks after its threads once a second for as long as the process
/// lives (`_dispatch_workq_monitor_pools`), which is sixty wake-ups a minute on every machine of a fleet for nothing,
/// and it has a thread and a stack for each processor. An idle fleetd wakes up for the watchdog alone (promise P6).
///
/// Whoever sleeps has to do so with `SystemClock`: `Task.sleep` waits in libdispatch, and starts all that.
enum OneThread {
    static let group: any EventLoopGroup = {
        NIOSingletons.groupLoopCountSuggestion = 1
        return MultiThreadedEventLoopGroup.singleton
    }()

    static let loop: any EventLoop = group.any()

    /// To be called before the first task exists.
    static func install() {
        _ = loop
        fleet_install_enqueue_hook()
    }
}

/// Where Swift's runtime brings what has no executor of its own. NIO has such a hook too
/// (`unsafeTryInstallSingletonPosixEventLoopGroupAsConcurrencyGlobalExecutor`); it looks for the runtime's symbols in
/// shared libraries, and fleetd has the runtime linked in.
@_cdecl("fleet_enqueue") func enqueue(_ pointer: OpaquePointer) {
    // `UnownedJob` is the pointer to what the runtime wants run and nothing else; its C++ side hands it out as such.
    let piece = unsafeBitCast(pointer, to: UnownedJob.self)
    OneThread.loop.execute { piece.runSynchronously(on: OneThread.executor) }
}

extension OneThread {
    fileprivate static let executor = loop.executor.asUnownedSerialExecutor()
}
