import FleetAgent
import FleetModel
import Glibc
import Logging
import Synchronization
import UnitFile

/// Podman's Quadlet generator, run on folders of its own: it turns Quadlet files into services without a daemon-reload.
/// Its command line is that of podman-system-generator(8); podman 4.5 to 5.8 have it in the same place.
struct QuadletGenerator: Sendable {
    /// The program with what goes before its arguments; tests enter a machine's namespaces with that. nil for the
    /// machine's own, looked for at each run: podman comes and goes.
    let given: [String]?
    let paths: SystemdPaths
    let log: Logger

    init(command: [String]?, paths: SystemdPaths, log: Logger) {
        given = command
        self.paths = paths
        self.log = log
    }

    private var command: [String] {
        given ?? [QuadletProgram.places.first { access($0, X_OK) == 0 } ?? QuadletProgram.places[0]]
    }

    /// A run takes 3 ms; one that takes so long hangs.
    private static let patience = Duration.seconds(10)
    /// Bytes kept of what it prints: a sentence per mistake.
    private static let outputBytes = 64 * 1024

    private static let lastFolder = Mutex(0)

    /// The version of the podman it belongs to; nil when there is none that can be run.
    func version() async -> PodmanVersion? {
        let (command, patience, bytes) = (command, Self.patience, Self.outputBytes)
        return await OwnThread.run {
            let result = ChildProcess.run(command + ["-version"], environment: [:], within: patience, bytes: bytes)
            guard case .ended(status: 0, let output) = result else { return nil }
            return PodmanVersion(String(output.prefix { $0 != "\n" }))
        }
    }

    /// One result for each unit.
    func services(
        for requests: [UnitName: QuadletRequest]
    ) async -> [UnitName: Result<QuadletServices, QuadletFailure>] {
        await OwnThread.run {
            var results: [UnitName: Result<QuadletServices, QuadletFailure>] = [:]
            for group in QuadletRuns.groups(requests) {
                let members = requests.filter { group.contains($0.key) }
                results.merge(services(ofOneFolder: members)) { $1 }
            }
            return results
        }
    }

    /// What it has against each of `names`; nothing of those that it makes a service of.
    func complaints(about names: Set<QuadletName>, in files: [QuadletName: String]) async -> [QuadletName: String] {
        await OwnThread.run {
            let made: Made
            do throws(QuadletFailure) {
                made = try run(files)
            } catch {
                log.error("Quadlet files are not shown to podman before they are stored: \(error.message)")
                return [:]
            }
            var complaints: [QuadletName: String] = [:]
            for name in names {
                do throws(QuadletFailure) { _ = try made.service(of: name) } catch { complaints[name] = error.message }
            }
            return complaints
        }
    }

    /// Blocks.
    private func services(
        ofOneFolder requests: [UnitName: QuadletRequest]
    ) -> [UnitName: Result<QuadletServices, QuadletFailure>] {
        let texts = requests.values.reduce(into: [QuadletName: String]()) { $0.merge($1.texts) { old, _ in old } }
        let alone = texts.filter { !QuadletRuns.joinsPod($0.key, $0.value) }
        do throws(QuadletFailure) {
            var made = try run(texts)
            if alone.count < texts.count { made.texts.merge(try run(alone).texts) { $1 } }
            return requests.mapValues { request in
                do throws(QuadletFailure) {
                    return .success(try services(for: request, made))
                } catch {
                    return .failure(error)
                }
            }
        } catch {
            return requests.mapValues { _ in .failure(error) }
        }
    }

    private func services(
        for request: QuadletRequest,
        _ made: Made
    ) throws(QuadletFailure) -> QuadletServices {
        var companions: [UnitName: String] = [:]
        var services: [QuadletName: UnitName] = [:]
        for name in request.bundle.companions.keys {
            let (service, text) = try made.service(of: name)
            companions[service] = text
            services[name] = service
        }
        let stamp = QuadletStamp(file: request.file, bundle: request.bundle, services: services)
        let own = try made.service(of: request.bundle.source)
        return QuadletServices(text: stamp.over(own.text), stamp: stamp, companions: companions)
    }

    // MARK: One run

    /// What a run has left behind.
    private struct Made {
        var services: [QuadletName: UnitName] = [:]
        var texts: [QuadletName: String] = [:]
        var output = ""

        func service(of name: QuadletName) throws(QuadletFailure) -> (UnitName, text: String) {
            guard let service = services[name], let text = texts[name] else {
                throw QuadletFailure(QuadletProgram.complaint(about: name, in: output))
            }
            return (service, text)
        }
    }

    private func run(_ files: [QuadletName: String]) throws(QuadletFailure) -> Made {
        let number = Self.lastFolder.withLock { last in
            last += 1
            return last
        }
        let folder = "\(paths.quadlet)/\(getpid())-\(number)"
        let work = WorkFolder(path: paths.root + folder)
        defer { work.remove() }
        do throws(SystemdBusError) {
            try work.make(["in", "out"])
            for (name, text) in files { try work.write(text, to: "in/\(name)") }
        } catch {
            throw QuadletFailure(error.message)
        }
        let out = folder + "/out"
        let result = ChildProcess.run(
            command + ["-no-kmsg-log", out, out, out],
            environment: ["QUADLET_UNIT_DIRS": folder + "/in", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"],
            within: Self.patience,
            bytes: Self.outputBytes
        )
        var made = Made()
        switch result {
        // A status other than 0 means that some file was not accepted; what it made of the others is there.
        case .ended(_, let output): made.output = output
        case .tooLate: throw QuadletFailure("podman's Quadlet generator did not end within \(Self.patience)")
        case .impossible(let reason): throw QuadletFailure("podman's Quadlet generator cannot be run: \(reason)")
        }
        for (name, text) in files {
            guard let file = try? ParsedUnitFile.parse(text), let service = try? name.service(file) else { continue }
            made.services[name] = service
            made.texts[name] = work.read("out/\(service)").map(QuadletOutput.service)
        }
        return made
    }
}

/// Why there is no service for a unit, in a sentence without a full stop.
struct QuadletFailure: Error, Hashable, Sendable {
    var message: String

    init(_ message: String) { self.message = message }
}

/// Reads what the generator writes.
enum QuadletOutput {
    /// Without `SourcePath=`, which names a file that is gone by then: systemd would ask for a reload all the time.
    static func service(_ text: String) -> String {
        text.split(separator: "\n", omittingEmptySubsequences: false).filter { !$0.hasPrefix("SourcePath=") }
            .joined(separator: "\n")
    }
}
