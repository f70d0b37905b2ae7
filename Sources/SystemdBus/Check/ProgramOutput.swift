import CSystemd
import Glibc
import Synchronization

/// Takes what a program prints, all the time, so that the program never has to wait for a reader, and keeps the end.
final class ProgramOutput: Sendable {
    /// What the program writes to.
    let descriptor: Int32
    private let reader: Reader
    private let hasEnded: AsyncStream<Never>

    init() throws(SystemdBusError) {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw SystemdBusError(.file, "no pipe: \(errorText(errno))") }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        _ = fcntl(ends[0], F_SETFL, O_NONBLOCK)
        descriptor = ends[1]
        let bell = eventfd(0, Int32(EFD_CLOEXEC) | Int32(EFD_NONBLOCK))
        precondition(bell >= 0, "eventfd failed with errno \(errno)")
        let reader = Reader(source: ends[0], bell: bell)
        self.reader = reader
        let (hasEnded, end) = AsyncStream.makeStream(of: Never.self)
        self.hasEnded = hasEnded
        OwnThread.start {
            reader.read()
            end.finish()
        }
    }

    deinit {
        reader.stop()
        close(descriptor)
    }

    /// The end of what was printed until now. Call it once.
    func end() async -> String {
        reader.stop()
        for await _ in hasEnded {}
        return reader.text
    }
}

/// The thread's part.
private final class Reader: Sendable {
    /// What is kept.
    private static let tailBytes = 4096
    /// After the end is asked for, no more than this is read: what is left of a program may print for ever.
    private static let restBytes = 1 << 20

    private let source: Int32
    /// Ends the reading.
    private let bell: Int32
    private let kept = Mutex<[UInt8]>([])

    init(source: Int32, bell: Int32) { (self.source, self.bell) = (source, bell) }

    deinit { for descriptor in [source, bell] { close(descriptor) } }

    func stop() { _ = eventfd_write(bell, 1) }

    var text: String { String(decoding: kept.withLock { $0 }, as: UTF8.self) }

    func read() {
        var waits = [source, bell].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        while true {
            let count = poll(&waits, nfds_t(waits.count), -1)
            if count < 0, errno == EINTR { continue }
            take(upTo: Self.restBytes)
            if count < 0 || waits[1].revents != 0 { return }
        }
    }

    /// Takes what is there.
    private func take(upTo limit: Int) {
        var total = 0
        var chunk = [UInt8](repeating: 0, count: 64 * 1024)
        while total < limit {
            let count = Glibc.read(source, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            total += count
            kept.withLock { $0 = ($0 + chunk[..<count].suffix(Self.tailBytes)).suffix(Self.tailBytes) }
        }
    }
}
