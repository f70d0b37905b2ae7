import EtcdProto
import FleetRuntime
import NIOCore
import NIOHPACK
import NIOHTTP2
import NIOPosix
import SwiftProtobuf

/// A member whose network is awake and whose rest is not, as when its disk hangs: it answers PINGs, begins watches, and
/// says nothing else.
final class StuckMember: Sendable {
    private let channel: any Channel

    private init(_ channel: any Channel) { self.channel = channel }

    static func start() async throws -> StuckMember {
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    _ = try channel.pipeline.syncOperations.configureHTTP2Pipeline(
                        mode: .server,
                        connectionConfiguration: .init(),
                        streamConfiguration: .init()
                    ) { stream in
                        stream.eventLoop.makeCompletedFuture {
                            try stream.pipeline.syncOperations.addHandler(Answers())
                        }
                    }
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        return StuckMember(channel)
    }

    var endpoint: EtcdEndpoint {
        EtcdEndpoint(usesTLS: false, host: "127.0.0.1", port: channel.localAddress?.port ?? 0)
    }

    func end() async throws { try await channel.close() }

    private final class Answers: ChannelInboundHandler {
        typealias InboundIn = HTTP2Frame.FramePayload
        typealias OutboundOut = HTTP2Frame.FramePayload

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            guard case .headers(let request) = unwrapInboundIn(data),
                request.headers.first(name: ":path")?.hasSuffix("Watch/Watch") == true
            else { return }
            var response = EtcdWatchResponse()
            response.header.revision = 1
            response.created = true
            guard let message: [UInt8] = try? response.serializedBytes() else { return }
            let headers: HPACKHeaders = [":status": "200", "content-type": "application/grpc"]
            context.write(wrapOutboundOut(.headers(.init(headers: headers))), promise: nil)
            var frame = context.channel.allocator.buffer(capacity: message.count + 5)
            frame.writeInteger(UInt8(0))
            frame.writeInteger(UInt32(message.count))
            frame.writeBytes(message)
            context.writeAndFlush(wrapOutboundOut(.data(.init(data: .byteBuffer(frame)))), promise: nil)
        }
    }
}
