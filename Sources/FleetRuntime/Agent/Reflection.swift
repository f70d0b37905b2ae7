package import FleetModel
package import FleetRegistry
import ServiceLifecycle

/// Brings what the registry has of this machine's own keys to those who write them.
package struct Reflection: Service {
    private let news: AsyncStream<OwnKeys.News>
    private let own: OwnKeys
    private let machine: MachineID
    private let session: MachineSession
    private let locks: LockService
    private let agent: AgentService

    package init(
        news: AsyncStream<OwnKeys.News>,
        own: OwnKeys,
        machine: MachineID,
        session: MachineSession,
        locks: LockService,
        agent: AgentService
    ) {
        self.news = news
        self.own = own
        self.machine = machine
        self.session = session
        self.locks = locks
        self.agent = agent
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            for await news in self.news {
                if let (lease, revision) = self.own.presence(in: news) {
                    await self.session.noticed(lease, at: revision)
                }
                self.locks.noticed(self.own.locks(of: self.machine, in: news))
                await self.agent.noticed(news)
            }
        }
    }
}
