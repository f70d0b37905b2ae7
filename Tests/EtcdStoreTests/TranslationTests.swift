import EtcdProto
import FleetModel
import FleetRegistry
import FleetRuntime
import Foundation
import SwiftProtobuf
import Testing

@testable import EtcdStore

/// What goes over the wire, without a wire.
@Suite struct TranslationTests {
    @Test func rangesThatSeeNothingAreNotSent() {
        let empty = [
            KeyRange(start: Key("b"), end: Key("a")), KeyRange(start: Key("a"), end: Key("a")), .key(Key("")),
            KeyRange(start: Key(""), end: Key("")), KeyRange(start: Key("\0"), end: Key("\0")),
        ]
        for range in empty { #expect(EtcdSpan(range) == nil, "etcd would read \(range) as every key, or one") }
    }

    @Test func everyKeyIsAZeroByteToAZeroByte() {
        let zero = Data([0])
        let span = EtcdSpan(.prefix(""))
        #expect(span?.key == zero && span?.end == zero)
        #expect(EtcdSpan(KeyRange(start: Key("a"), end: nil))?.end == zero)
        #expect(EtcdSpan(.key(Key("a")))?.end == Data([97, 0]))
    }

    @Test func noRevisionIsNotTheRevisionOfAnAbsentKey() {
        for compare in [Compare.modified(Key("k"), at: .zero), .created(Key("k"), at: .zero)] {
            let request = EtcdTxnRequest(Transaction(compares: [compare]))
            #expect(request.compare.map(\.result) == [.less], "equal to 0 would hold for a key that is not there")
        }
    }

    @Test func aTransactionWithoutOperationsReads() {
        let transactions = [
            Transaction(compares: [.present(Key("k"))]), Transaction(),
            Transaction(operations: [.delete(KeyRange(start: Key("b"), end: Key("a")))]),
        ]
        for transaction in transactions {
            #expect(EtcdTxnRequest(transaction).success.map(\.range.countOnly) == [true])
        }
    }

    private func response(_ revisions: [Int64], isFragment: Bool = false, at: Int64 = 0) -> EtcdWatchResponse {
        .with {
            $0.header.revision = at
            $0.fragment = isFragment
            $0.events = revisions.map { revision in .with { $0.kv.modRevision = revision } }
        }
    }

    private func text(_ batch: WatchBatch?) -> String {
        batch.map { "\($0.events.map { "\($0.revision)" }.joined(separator: " ")) upto \($0.revision)" } ?? "-"
    }

    @Test func aRevisionIsNotSplit() {
        var assembly = WatchAssembly(from: Revision(5))
        #expect(text(assembly.take(response([5, 6], isFragment: true))) == "5 upto 5")
        #expect(text(assembly.take(response([6, 6], isFragment: true))) == "-")
        #expect(text(assembly.take(response([6, 7], isFragment: true))) == "6 6 6 6 upto 6")
        #expect(text(assembly.take(response([7]))) == "7 7 upto 7")
        #expect(assembly.next == Revision(8))
    }

    @Test func anotherMemberBeginsAtTheFirstRevisionThatWasNotHandedOut() {
        var assembly = WatchAssembly(from: Revision(5))
        _ = assembly.take(response([5, 6, 6], isFragment: true))
        #expect(assembly.next == Revision(6))
        assembly.restart()
        #expect(text(assembly.take(response([5, 6, 6, 6]))) == "6 6 6 upto 6", "what was seen is dropped")
    }

    @Test func onlyAMessageWithoutEventsTellsOfLaterRevisions() {
        var assembly = WatchAssembly(from: Revision(5))
        #expect(text(assembly.take(response([5], at: 90))) == "5 upto 5", "more may be on its way")
        #expect(text(assembly.take(response([], at: 90))) == " upto 90")
        #expect(text(assembly.take(response([], at: 80))) == "-")
        #expect(assembly.next == Revision(91))
    }

    @Test func whatProvesThatNothingHappened() {
        let table: [(RPCFailure.Status, String, Bool)] = [
            (.unavailable, "etcdserver: no leader", false),
            (.unavailable, "etcdserver: request timed out", true),
            (.unavailable, "etcdserver: leader changed", true),
            (.unknown, "raft proposal dropped", false), (.unknown, "context canceled", true),
            (.resourceExhausted, "etcdserver: mvcc: database space exceeded", true),
            (.resourceExhausted, "etcdserver: too many requests", false),
            (.notFound, "etcdserver: requested lease not found", false), (.deadlineExceeded, "", true),
            (.unauthenticated, "etcdserver: invalid auth token", false),
        ]
        for (status, text, expected) in table {
            #expect(RPCFailure.status(status, text, member: "m").mayHaveHappened == expected, "\(text)")
        }
    }
}
