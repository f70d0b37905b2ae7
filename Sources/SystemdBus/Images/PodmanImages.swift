package import FleetAgent
package import FleetModel
package import FleetRuntime
import Logging
import UnitFile

/// The images of this machine's podman: fetched by transient services, one for each image however many units wait for
/// it, and looked up in registries by skopeo.
package actor PodmanImages: ImagePuller {
    /// Who waits for a pull.
    private struct Waiter {
        var answer: AsyncStream<PullResult>.Continuation
        var progress: @Sendable (String) async -> Void
    }

    private struct Pull {
        var unit: PullUnit
        var waiters: [Int: Waiter] = [:]
    }

    private let systemd: SystemdBus
    private let store: ImageStore
    private let clock: any WallClock
    private var pulls: [String: Pull] = [:]
    private var lastWaiter = 0
    /// Logins of look-ups that are under way, by the name of the service.
    private var lookUps: [String: [CredentialName]] = [:]

    /// Between two looks at how far a pull is: each that brings news is a write to the registry.
    static let pace = Duration.seconds(5)

    /// `storage` is the folder in which podman keeps its images, seen from this process.
    package init(systemd: SystemdBus, storage: String = "/var/lib/containers/storage", clock: any WallClock) {
        self.systemd = systemd
        store = ImageStore(root: storage)
        self.clock = clock
    }

    /// Whether the service that asks was begun here, with this login.
    package func hasBegun(_ peer: CredentialPeer) -> Bool {
        let name = peer.unit.description
        return pulls[name]?.unit.auth == peer.credential || lookUps[name]?.contains(peer.credential) == true
    }

    package func names() async -> [String]? { await store.names()?.map(\.description).sorted() }

    package func pull(
        _ image: ImagePull,
        progress: @escaping @Sendable (String) async -> Void
    ) async -> PullResult {
        let name = ImageName(image.name)
        switch image.policy {
        case .never:
            return await has(name) == false ? Self.absent(image, "PullPolicy=never") : .present
        case .missing:
            if await has(name) == true { return .present }
            if name?.isLocal == true { return Self.absent(image, "localhost/ is the machine itself") }
            return await fetch(image, progress)
        case .always:
            return await fetch(image, progress)
        case .newer:
            let result = await fetch(image, progress)
            guard case .failed = result, await has(name) == true else { return result }
            return .present
        }
    }

    /// nil when that cannot be told.
    private func has(_ name: ImageName?) async -> Bool? {
        guard let name, let names = await store.names() else { return nil }
        return name.fullNames.contains { names.contains($0) }
    }

    private static func absent(_ image: ImagePull, _ why: String) -> PullResult {
        .failed(reason: "the image \(image.name) is not on this machine (\(why))")
    }

    /// Waits for the pull of this image, which is begun if there is none.
    private func fetch(
        _ image: ImagePull,
        _ progress: @escaping @Sendable (String) async -> Void
    ) async -> PullResult {
        let unit = PullUnit.fetching(image)
        lastWaiter += 1
        let me = lastWaiter
        let (answers, answer) = AsyncStream.makeStream(of: PullResult.self)
        let isNew = pulls[unit.name] == nil
        pulls[unit.name, default: Pull(unit: unit)].waiters[me] = Waiter(answer: answer, progress: progress)
        if isNew {
            Task { await self.run(unit, image) }
        }
        for await result in answers { return result }
        // Cancelled.
        pulls[unit.name]?.waiters[me] = nil
        if pulls[unit.name]?.waiters.isEmpty == true {
            pulls[unit.name] = nil
            await systemd.end(unit)
        }
        return .notRun(reason: "nobody waits for it")
    }

    private func run(_ unit: PullUnit, _ image: ImagePull) async {
        let began = clock.elapsed()
        let watch = Task { await self.watch(unit) }
        let result: PullResult
        do {
            switch try await systemd.run(unit) {
            case .done: result = .pulled(after: clock.elapsed() - began)
            case .failed("timeout", _):
                result = .failed(
                    reason:
                        "the image \(image.name) was not pulled within \(TimeSpan.format(image.timeout)) (PullTimeoutSec=)"
                )
            case .failed(_, let invocation):
                let words = PodmanWords.problem(in: await journal(of: unit, invocation: invocation))
                result = .failed(reason: "the image \(image.name) cannot be pulled: \(words)")
            }
        } catch {
            result = .notRun(reason: "\(error)")
        }
        watch.cancel()
        let waiters = pulls.removeValue(forKey: unit.name)?.waiters ?? [:]
        for (_, waiter) in waiters.sorted(by: { $0.key < $1.key }) {
            waiter.answer.yield(result)
            waiter.answer.finish()
        }
    }

    /// Tells those who wait that the pull takes its time, and then how far it is.
    private func watch(_ unit: PullUnit) async {
        var told: String?
        while !Task.isCancelled {
            let line = told == nil ? "" : PodmanWords.newest(in: await journal(of: unit, invocation: ""))
            if line != told {
                told = line
                for (_, waiter) in (pulls[unit.name]?.waiters ?? [:]).sorted(by: { $0.key < $1.key }) {
                    await waiter.progress(line)
                }
            }
            do { try await clock.sleep(for: Self.pace) } catch { return }
        }
    }

    private func journal(of unit: PullUnit, invocation: String) async -> [String] {
        guard let name = try? UnitName(unit.name) else { return [] }
        return await systemd.journal(of: name, invocation: invocation, lines: Limits.journalLines)
    }
}

extension PodmanImages: ImageResolver {
    package func digest(of image: ImageName, auth: CredentialName?) async throws(ImageLookupError) -> String {
        let problem: String
        do {
            let output = try OutputPipe()
            let unit = PullUnit.looking(for: image, auth: auth, output: output.writeEnd)
            if let auth { lookUps[unit.name, default: []].append(auth) }
            defer { if auth != nil { lookUps[unit.name]?.removeLast() } }
            let ending = try await systemd.run(unit)
            let words = output.tail().text
            switch ending {
            case .done:
                let digest = words.split(whereSeparator: \.isWhitespace).map(String.init).first(
                    where: ImageName.isDigest
                )
                if let digest { return digest }
                problem = "skopeo said \(words.printable(limit: 100))"
            case .failed("timeout", _):
                problem = "its registry has not answered within \(TimeSpan.format(unit.timeout))"
            case .failed: problem = PodmanWords.problem(in: words.split(separator: "\n").map(String.init))
            }
        } catch {
            problem = "\(error)"
        }
        throw ImageLookupError("the digest of \(image) cannot be looked up: \(problem)")
    }
}

/// What podman and skopeo print, for people.
enum PodmanWords {
    private static let bytes = 300

    /// The error that it ended with, or else its last line.
    static func problem(in lines: [String]) -> String {
        for line in lines.reversed() {
            if let mark = line.firstRange(of: "Error: ") { return text(line[mark.upperBound...]) }
            // skopeo logs as logrus does: `time="..." level=fatal msg="..."`.
            if line.contains("level=fatal"), let mark = line.firstRange(of: "msg=\"") {
                return text(line[mark.upperBound...].drop { $0 == "\"" }.prefix { $0 != "\n" })
            }
            if line.hasSuffix("not found"), line.contains("skopeo") {
                return "there is no skopeo on this machine, which PinImage= needs; install it (apt install skopeo)"
            }
        }
        return lines.last.map { text($0[...]) } ?? "podman has not said why"
    }

    static func newest(in lines: [String]) -> String { lines.last.map { text($0[...]) } ?? "" }

    private static func text(_ words: Substring) -> String {
        var words = words
        while words.last == "\"" || words.last == "." { words.removeLast() }
        return String(words).printable(limit: bytes)
    }
}
