import Foundation
import Glibc

/// Starts a program with these three descriptors. Foundation's `Process` is not used beside it: it learns of a child's
/// end from a socket that every other child inherits, so that a member started meanwhile would keep it waiting.
func spawn(_ words: [String], environment: [String: String] = [:], _ descriptors: [Int32]) throws -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    for (number, descriptor) in descriptors.enumerated() {
        posix_spawn_file_actions_adddup2(&actions, descriptor, Int32(number))
    }
    // The pool's threads block most signals. A child would inherit that, and a shell wait for SIGCHLD in vain.
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var noSignals = sigset_t()
    sigemptyset(&noSignals)
    posix_spawnattr_setsigmask(&attributes, &noSignals)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
    let variables = ProcessInfo.processInfo.environment.merging(environment) { $1 }.map { "\($0)=\($1)" }
    var pointers = words.map { strdup($0) } + [nil]
    var environmentPointers = variables.map { strdup($0) } + [nil]
    defer { for pointer in pointers + environmentPointers { free(pointer) } }
    var process = pid_t()
    let code = posix_spawn(&process, words[0], &actions, &attributes, &pointers, &environmentPointers)
    guard code == 0 else { throw EtcdLabError("\(words[0]) cannot be started: \(String(cString: strerror(code)))") }
    return process
}
