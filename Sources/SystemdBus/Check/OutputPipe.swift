import Glibc

/// Takes what a program prints, without anybody reading meanwhile: the pipe is large enough for what is of interest. A
/// program that prints more has to wait, and its time limit ends it.
final class OutputPipe {
    /// 256 KiB: a check says "ok" or a page of text. 64 checks at once stay far below what the kernel lets one user
    /// have (pipe(7), `pipe-user-pages-soft`).
    static let capacity: Int32 = 256 * 1024
    /// What is kept of it.
    static let tailBytes = 4096

    /// What the program writes to.
    let writeEnd: Int32
    private let readEnd: Int32

    init() throws(SystemdBusError) {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw SystemdBusError(.file, "no pipe: \(errorText(errno))") }
        (readEnd, writeEnd) = (ends[0], ends[1])
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        _ = fcntl(readEnd, F_SETFL, O_NONBLOCK)
        // F_SETPIPE_SZ of <linux/fcntl.h>. If it may not be larger, 64 KiB have to do.
        _ = fcntl(writeEnd, 1031, Self.capacity)
    }

    deinit {
        close(readEnd)
        close(writeEnd)
    }

    /// The end of what was printed so far, and whether the pipe was full. Does not wait.
    func tail() -> (text: String, isFull: Bool) {
        var kept: [UInt8] = []
        var total: Int32 = 0
        var chunk = [UInt8](repeating: 0, count: Self.tailBytes)
        while total <= Self.capacity {
            let count = read(readEnd, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            total += Int32(count)
            kept = (kept + chunk[..<count]).suffix(Self.tailBytes)
        }
        return (String(decoding: kept, as: UTF8.self), total >= min(Self.capacity, fcntl(readEnd, 1032)))
    }
}
