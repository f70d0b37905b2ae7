import EtcdProto
import FleetModel
package import FleetRegistry
package import FleetRuntime
import FoundationEssentials

extension EtcdStore {
    /// Bytes of keys and values that one page should have: enough that pages cost nothing beside what is in them, and
    /// little enough that neither side holds much more than that, and a lease's renewal gets between.
    private static let pageBytes = 1 << 20
    /// Entries of the first page, before it is known how large they are.
    private static let firstPage = 500
    private static let smallestPage = 16
    private static let largestPage = 5_000
    /// How often a list is begun anew because its revision was compacted meanwhile.
    private static let attempts = 3

    package func range(_ range: KeyRange, limit: Int) async throws(StoreError) -> RangeAnswer {
        precondition(limit >= 0, "a limit of \(limit) entries")
        guard let span = EtcdSpan(range) else {
            var request = EtcdRangeRequest()
            request.key = range.start == Key("") ? Data([0]) : Data(range.start.description.utf8)
            request.countOnly = true
            let revision = Revision(try await call(EtcdMethods.range, request).header.revision)
            return RangeAnswer(entries: [], revision: revision)
        }
        var attempt = 1
        while true {
            do {
                return try await pages(of: span, limit: limit)
            } catch  where error.code == .compacted && attempt < Self.attempts {
                attempt += 1
            }
        }
    }

    /// All pages, as of the revision of the first.
    private func pages(of span: EtcdSpan, limit: Int) async throws(StoreError) -> RangeAnswer {
        var answer = RangeAnswer(entries: [], revision: .zero)
        var span = span
        var (page, bytes) = (Self.firstPage, 0)
        while true {
            var request = EtcdRangeRequest()
            request.key = span.key
            request.rangeEnd = span.end
            request.limit = Int64(limit == 0 ? page : min(page, limit - answer.entries.count))
            request.revision = answer.revision.number
            let response = try await call(EtcdMethods.range, request)
            if answer.revision == .zero {
                answer.revision = Revision(response.header.revision)
                see(answer.revision)
            }
            bytes += response.kvs.reduce(0) { $0 + $1.key.count + $1.value.count }
            answer.entries += response.kvs.lazy.map(StoredEntry.init)
            guard response.more, let last = response.kvs.last else { return answer }
            if answer.entries.count == limit {
                answer.isCut = true
                return answer
            }
            let average = max(1, bytes / answer.entries.count)
            page = min(max(Self.pageBytes / average, Self.smallestPage), Self.largestPage)
            span = span.after(last.key)
        }
    }
}
