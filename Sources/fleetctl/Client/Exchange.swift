import FleetModel
import Glibc

/// One HTTP request on a unix socket, and its answer.
struct Exchange {
    struct Request: Hashable {
        var method: String
        var path: RequestPath
        var body: [UInt8] = []
    }

    /// What the time-out covers.
    enum Limit {
        case wholeAnswer
        /// The head of the answer; then the body may take as long as it wants, or the given time.
        case headThenStream(Duration?)
    }

    /// The stream was not at its end within its limit.
    struct StreamLimitReached: Error {}

    private static let bufferSize = 64 << 10

    var request: Request
    var socket: String
    var timeout: Duration

    /// Hands over the body piece by piece, and returns the answer's status after the last one. Throws a `Failure`, a
    /// `StreamLimitReached`, or what `each` throws.
    func perform(_ limit: Limit, each: ([UInt8], Int) throws -> Void) throws -> HTTPAnswer {
        let stream = try connect()
        do {
            // An early answer (a body that is too large, say) may come with a closed connection.
            _ = try stream.send(head + request.body)
            return try receive(from: stream, limit, each)
        } catch let error as UnixStream.SystemError {
            throw error.code == EAGAIN ? noAnswer : broken(Process.message(of: error.code))
        } catch let malformed as HTTPAnswer.Malformed {
            throw broken(malformed.reason)
        }
    }

    private func receive(
        from stream: borrowing UnixStream,
        _ limit: Limit,
        _ each: ([UInt8], Int) throws -> Void
    ) throws -> HTTPAnswer {
        var answer = HTTPAnswer()
        var buffer = [UInt8](repeating: 0, count: Self.bufferSize)
        var deadline: ContinuousClock.Instant? = .now + timeout
        var isStream = false
        while !answer.isComplete {
            let count: Int
            do {
                count = try stream.receive(into: &buffer, until: deadline)
            } catch is UnixStream.TimedOut {
                if isStream { throw StreamLimitReached() }
                throw noAnswer
            }
            guard count > 0 else {
                try answer.end()
                break
            }
            let body = try answer.append(buffer[..<count])
            guard let status = answer.status else { continue }
            if !isStream, case .headThenStream(let longest) = limit {
                isStream = true
                deadline = longest.map { .now + $0 }
            }
            if !body.isEmpty { try each(body, status) }
        }
        return answer
    }

    private var head: [UInt8] {
        var lines = [
            "\(request.method) \(request.path.text) HTTP/1.1", "Host: localhost",
            "User-Agent: fleetctl/\(FleetVersion.text)", "Connection: close",
        ]
        if request.method != "GET" {
            lines += ["Content-Type: application/json", "Content-Length: \(request.body.count)"]
        }
        return Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8)
    }

    private func connect() throws(Failure) -> UnixStream {
        do {
            return try UnixStream.connect(socket, limit: timeout)
        } catch {
            throw unreachable(error.code)
        }
    }
}

extension Exchange {
    private var noAnswer: Failure {
        Failure(
            "fleetctl: fleetd did not answer on \(socket) within \(timeout) (--request-timeout); "
                + "check 'systemctl status fleetd.service'"
        )
    }

    private func broken(_ reason: String) -> Failure {
        Failure(
            "fleetctl: fleetd's answer on \(socket) is broken: \(reason); check 'systemctl status fleetd.service'"
        )
    }

    private func unreachable(_ code: Int32) -> Failure {
        let advice =
            switch code {
            case ENOENT: "it does not exist; check 'systemctl status fleetd.socket'"
            case ECONNREFUSED: "nothing listens there; check 'systemctl status fleetd.socket'"
            case EACCES: "permission denied; use sudo, or become a member of the group 'fleet'"
            case EAGAIN: "it accepts no connection; check 'systemctl status fleetd.service'"
            case ENAMETOOLONG: "the path is too long for a unix socket (107 bytes at most)"
            default: "\(Process.message(of: code)); check 'systemctl status fleetd.socket'"
            }
        return Failure("fleetctl: cannot connect to fleetd at \(socket): \(advice)")
    }
}
