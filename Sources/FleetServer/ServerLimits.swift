package import NIOCore
import UnitFile

/// Every bound of the HTTP server in one place, each with its reason. The socket is for members of a group, who may be
/// careless or hostile: no request may cost more than these.
package struct ServerLimits: Sendable {
    /// Open connections; the next one is told so and closed. A watching fleetctl holds one, and fleetd's descriptor
    /// limit is far above.
    package var connections = 256
    /// Bytes of a request's body: the largest unit file for an instance and its template, with JSON's escapes.
    package var bodyBytes = 4 * ParsedUnitFile.maximumBytes
    /// Bytes of one header field, and of all with the request line: a unit name has at most 255.
    package var headerFieldBytes = 8 << 10
    package var headerBytes = 16 << 10
    package var headerFields = 64
    /// Units in one change: a request names them one by one, and each may come with a text.
    package var units = 10_000
    /// Lines of a journal before `follow` begins.
    package var journalLines = 10_000
    /// Stored events before `follow` begins: each may be of another unit, and so a reading of its own.
    package var eventLines = 1000
    /// Rows of one page of API v1: `token_limit` of fleet.conf, with fleet's default.
    package var pageItems = 100
    /// From the first byte of a request to the end of its head.
    package var headTime = TimeAmount.seconds(10)
    /// From the head of a request to the end of its body.
    package var bodyTime = TimeAmount.seconds(30)
    /// Between two requests of a connection that is kept alive.
    package var idleTime = TimeAmount.seconds(60)
    /// After an answer that did not wait for the rest of the body: what still comes is thrown away this long.
    package var lingerTime = TimeAmount.seconds(2)
    /// After a stop was asked for: what is still being answered then is cut off.
    package var shutdownTime = TimeAmount.seconds(10)

    package init() {}
}
