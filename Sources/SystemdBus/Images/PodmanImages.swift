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
        /// Whatever goes on under this name, only what has begun this pull may answer its waiters.
        let id: Int
        let unit: PullUnit
        var waiters: [Int: Waiter] = [:]
        var work: Task<Void, Never>?
    }

    let systemd: SystemdBus
    private let store: ImageStore
    private let clock: any WallClock
    /// Under way, by the names of their units.
    private var pulls: [String: Pull] = [:]
    /// Pulls that nobody wants any more, until nothing is left of them: the next under the name waits for that.
    private var endings: [String: (id: Int, work: Task<Void, Never>)] = [:]
    var lookups: [Lookup: Task<Result<String, ImageLookupError>, Never>] = [:]
    /// The look-ups' units, by their names.
    var lookupUnits: [String: PullUnit] = [:]
    private var lastID = 0

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
        return (pulls[name]?.unit ?? lookupUnits[name])?.auth == peer.credential
    }

    package func names() async -> [String]? { await store.names()?.map(\.description).sorted() }

    package func pull(
        _ image: ImagePull,
        progress: @escaping @Sendable (String) async -> Void
    ) async -> PullResult {
        let name = ImageName(image.name)
        switch image.policy {
        case .never:
            switch await has(name) {
            case true?: return .present
            case false? where name?.registry != nil: return Self.absent(image, "PullPolicy=never")
            case false?, nil: return await ask(image)
            }
        case .missing:
            if await has(name) == true { return .present }
            if name?.isLocal == true { return Self.absent(image, "localhost/ is the machine itself") }
            return await fetch(image, progress)
        case .always:
            return await fetch(image, progress)
        case .newer:
            let result = await fetch(image, progress)
            guard case .failed(let reason) = result, await has(name) == true else { return result }
            return .kept(reason: reason)
        }
    }

    /// nil when that cannot be told.
    private func has(_ name: ImageName?) async -> Bool? {
        guard let name, let names = await store.names() else { return nil }
        return name.fullNames.contains { names.contains($0) }
    }

    /// Podman knows what its list does not say: where it keeps its images, and what a short name stands for.
    private func ask(_ image: ImagePull) async -> PullResult {
        do {
            switch try await systemd.run(.asking(for: image, number: nextID())) {
            case .done: return .present
            case .failed: return Self.absent(image, "PullPolicy=never")
            }
        } catch {
            return .notRun(reason: "\(error)")
        }
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
        let me = nextID()
        let (answers, answer) = AsyncStream.makeStream(of: PullResult.self)
        let waiter = Waiter(answer: answer, progress: progress)
        let pull = pulls[unit.name]?.id ?? begin(unit, image)
        pulls[unit.name]?.waiters[me] = waiter
        for await result in answers { return result }
        leave(pull, unit, me)
        return .notRun(reason: "nobody waits for it")
    }

    private func begin(_ unit: PullUnit, _ image: ImagePull) -> Int {
        let id = nextID()
        pulls[unit.name] = Pull(id: id, unit: unit)
        let former = endings[unit.name]?.work
        pulls[unit.name]?.work = Task {
            await former?.value
            if !Task.isCancelled { await self.run(id, unit, image) }
        }
        return id
    }

    /// A waiter was cancelled. With the last one the pull ends.
    private func leave(_ id: Int, _ unit: PullUnit, _ waiter: Int) {
        guard var pull = pulls[unit.name], pull.id == id else { return }
        pull.waiters[waiter] = nil
        pulls[unit.name] = pull.waiters.isEmpty ? nil : pull
        guard pull.waiters.isEmpty, let work = pull.work else { return }
        work.cancel()
        let ending = Task {
            // Nothing is asked of systemd after the cancellation, so this comes last.
            await self.systemd.end(transient: unit.name)
            await work.value
            self.hasEnded(id, unit)
        }
        endings[unit.name] = (id, ending)
    }

    private func hasEnded(_ id: Int, _ unit: PullUnit) {
        if endings[unit.name]?.id == id { endings[unit.name] = nil }
    }

    func nextID() -> Int {
        lastID += 1
        return lastID
    }

    private func run(_ id: Int, _ unit: PullUnit, _ image: ImagePull) async {
        let began = clock.elapsed()
        let watch = Task { await self.watch(id, unit) }
        let result: PullResult
        do {
            switch try await systemd.run(unit) {
            case .done: result = .pulled(after: clock.elapsed() - began)
            case .failed("timeout", _, _):
                result = .failed(
                    reason:
                        "the image \(image.name) was not pulled within \(TimeSpan.format(image.timeout)) (PullTimeoutSec=)"
                )
            case .failed(_, let status, let invocation):
                let lines = await journal(of: unit, invocation: invocation)
                let words = unit.loginProblem(status) ?? PodmanWords.problem(in: lines)
                result = .failed(reason: "the image \(image.name) cannot be pulled: \(words)")
            }
        } catch {
            result = .notRun(reason: "\(error)")
        }
        watch.cancel()
        guard let pull = pulls[unit.name], pull.id == id else { return }
        pulls[unit.name] = nil
        for (_, waiter) in pull.waiters.sorted(by: { $0.key < $1.key }) {
            waiter.answer.yield(result)
            waiter.answer.finish()
        }
    }

    /// Tells those who wait that the pull takes its time, and then how far it is.
    private func watch(_ id: Int, _ unit: PullUnit) async {
        var told: String?
        while !Task.isCancelled {
            let line = told == nil ? "" : PodmanWords.newest(in: await journal(of: unit, invocation: ""))
            guard let pull = pulls[unit.name], pull.id == id else { return }
            if line != told {
                told = line
                for (_, waiter) in pull.waiters.sorted(by: { $0.key < $1.key }) { await waiter.progress(line) }
            }
            do { try await clock.sleep(for: Self.pace) } catch { return }
        }
    }

    package func endPulls(except images: [ImagePull]) async {
        let wanted = Set(images.map { PullUnit.fetching($0).name }).union(lookupUnits.keys)
        do {
            let running = try await systemd.listUnits(in: ["activating"], matching: [PullUnitName.pattern])
            // Looked at again: a pull may have begun while systemd was asked.
            for unit in running where !wanted.contains(unit.name) && !lookupUnits.keys.contains(unit.name) {
                if pulls[unit.name] == nil { await systemd.end(transient: unit.name) }
            }
        } catch {
            systemd.log.info("systemd: old pulls: \(error)")
        }
    }

    private func journal(of unit: PullUnit, invocation: String) async -> [String] {
        guard let name = try? UnitName(unit.name) else { return [] }
        return await systemd.journal(of: name, invocation: invocation, lines: Limits.journalLines)
    }
}
