package import FleetAgent
package import FleetModel
import FleetRegistry
package import Logging
import ServiceLifecycle
import UnitFile

/// Answers systemd when it starts a unit that has configs or secrets: what the unit's assignment on this machine names,
/// and nothing else. A secret is opened at that moment, and wiped when it is handed over.
///
/// Nothing is accepted before the agent knows what this machine is to run. Until then a start waits in the socket,
/// which is systemd's and outlives fleetd; a connection that was accepted would be lost with fleetd, and systemd takes
/// that for an empty credential.
package struct CredentialService: Service {
    private let listener: any CredentialListener
    private let agent: AgentService
    private let registry: RegistryService
    private let contents: CredentialContents
    private let kept: KeptCredentials?
    private let box: any SecretBox
    private let isFetching: @Sendable (CredentialPeer) async -> Bool
    private let log: Logger

    /// `memory` outlives an outage of the registry; nil where the registry is as near. `isFetching` says whether a
    /// service that fetches or looks up an image was begun by this fleetd, with this login.
    package init(
        listener: any CredentialListener,
        agent: AgentService,
        registry: RegistryService,
        store: any KeyValueStore,
        machine: MachineID,
        box: any SecretBox,
        memory: (any DurableLedger)?,
        isFetching: @escaping @Sendable (CredentialPeer) async -> Bool = { _ in false },
        clock: any WallClock,
        log: Logger
    ) {
        self.listener = listener
        self.agent = agent
        self.registry = registry
        contents = CredentialContents(store: store, keyspace: registry.keyspace)
        kept = memory.map { [contents] ledger in
            KeptCredentials(ledger, contents: contents, box: box, machine: machine, clock: clock, log: log)
        }
        self.box = box
        self.isFetching = isFetching
        self.log = log
    }

    package func run() async throws {
        await withTaskGroup(of: Void.self) { group in
            if let kept { group.addTask { await cancelWhenGracefulShutdown { await kept.follow(registry) } } }
            group.addTask { await answerAll() }
            await group.waitForAll()
        }
    }

    private func answerAll() async {
        let isInformed = await cancelWhenGracefulShutdown { () -> Bool in
            for await _ in agent.informed {}
            return !Task.isCancelled
        }
        guard isInformed == true else { return }
        // Those who were accepted are answered, also when fleetd stops.
        await withTaskGroup(of: Void.self) { tasks in
            tasks.addTask {
                // Cancelled, it ends just so.
                try? await gracefulShutdown()
                listener.stop()
            }
            await withDiscardingTaskGroup { group in
                for await call in listener.listen() { group.addTask { await answer(call) } }
            }
            tasks.cancelAll()
        }
    }

    private func answer(_ call: CredentialCall) async {
        guard let peer = call.peer else {
            log.warning("Somebody who is not systemd has asked for credentials; nothing was answered")
            return await call.answer(nil)
        }
        let metadata: Logger.Metadata = ["unit": "\(peer.unit)"]
        guard let claim = await claim(of: peer) else {
            log.error("\(peer.unit) asks for \(peer.credential), which it has no claim to here", metadata: metadata)
            return await call.answer(nil)
        }
        do {
            var content = try await content(for: claim)
            await call.answer(content)
            wipe(&content)
            log.debug("\(peer.unit) has got the \(claim.source)", metadata: metadata)
        } catch {
            log.error("\(peer.unit) asks for the \(claim.source): \(error)", metadata: metadata)
            await call.answer(nil)
        }
    }

    /// What somebody who asks may have.
    private struct Claim {
        var source: CredentialID
        /// Whose it is.
        var unit: UnitName
        /// It runs, and has the one before.
        var isReload = false
    }

    /// A pull asks for a login by the secret's name, which has to be that of a unit of this machine: a fleetd that was
    /// restarted has not begun the pull itself. Nobody but root starts units of such names.
    private func claim(of peer: CredentialPeer) async -> Claim? {
        if PullUnitName.isOne(peer.unit) {
            let login = Credential(kind: .secret, name: peer.credential, id: .registryAuth)
            var isKnown = await agent.hasUnit(with: login)
            if !isKnown { isKnown = await isFetching(peer) }
            return isKnown ? Claim(source: login.source, unit: peer.unit) : nil
        }
        let isReload = ReloadUnitName.isOne(peer.unit)
        let unit = isReload ? await agent.unit(reloadedBy: peer.unit) : peer.unit
        guard let unit else { return nil }
        let wanted = await agent.assignment(of: unit)?.credentials?.first { $0.id == peer.credential }
        return wanted.map { Claim(source: $0.source, unit: unit, isReload: isReload) }
    }

    private func content(for claim: Claim) async throws -> [UInt8] {
        guard claim.isReload else { return try await opened(claim.source, of: claim.unit) }
        // An earlier content would be taken for the newest.
        let old = await kept?.stored(claim.source, of: claim.unit)
        guard let newest = try await contents.newest(claim.source, known: old) else { throw Self.missing(claim.source) }
        return try newest.opened(claim.source, with: box)
    }

    private static func missing(_ id: CredentialID) -> SecretBoxError {
        SecretBoxError(.broken, "it is not in the registry: 'fleetctl \(id.kind.rawValue) set' it")
    }

    /// Better an earlier content than none: what is sealed under a key that this machine does not have, and was opened
    /// here under another one before, is still kept (promise P1).
    private func opened(_ id: CredentialID, of unit: UnitName) async throws -> [UInt8] {
        let newest = try await stored(id, of: unit)
        do throws(SecretBoxError) {
            return try newest.opened(id, with: box)
        } catch {
            guard error.code == .noKey, let old = await kept?.stored(id, of: unit), old != newest,
                let content = try? old.opened(id, with: box)
            else { throw error }
            log.error("\(unit) gets the \(id) as it was before: \(error)", metadata: ["unit": "\(unit)"])
            return content
        }
    }

    /// What is stored now, or else what is kept.
    private func stored(_ id: CredentialID, of unit: UnitName) async throws -> CredentialContents.Stored {
        let old = await kept?.stored(id, of: unit)
        if old == nil { await registry.firstReading() }
        if await registry.condition == .current || old == nil {
            do throws(StoreError) {
                if let newest = try await contents.newest(id, known: old) { return newest }
            } catch {
                guard let old else { throw error }
                return old
            }
            throw Self.missing(id)
        }
        guard let old else { throw SecretBoxError(.broken, "this machine has not kept it") }
        return old
    }
}
