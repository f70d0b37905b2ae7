import EtcdProto

/// The methods of etcd's API that fleet calls.
enum EtcdMethods {
    static let range = RPCMethod<EtcdRangeRequest, EtcdRangeResponse>(path: "/etcdserverpb.KV/Range")
    static let txn = RPCMethod<EtcdTxnRequest, EtcdTxnResponse>(path: "/etcdserverpb.KV/Txn")
    static let compact = RPCMethod<EtcdCompactionRequest, EtcdCompactionResponse>(path: "/etcdserverpb.KV/Compact")
    /// Answers with a stream.
    static let watch = RPCMethod<EtcdWatchRequest, EtcdWatchResponse>(path: "/etcdserverpb.Watch/Watch")
    static let grant = RPCMethod<EtcdLeaseGrantRequest, EtcdLeaseGrantResponse>(path: "/etcdserverpb.Lease/LeaseGrant")
    static let revoke = RPCMethod<EtcdLeaseRevokeRequest, EtcdLeaseRevokeResponse>(
        path: "/etcdserverpb.Lease/LeaseRevoke"
    )
    /// A stream of requests and answers by its definition; with one request it ends after one answer, and no stream has
    /// to be watched over between two renewals.
    static let keepAlive = RPCMethod<EtcdLeaseKeepAliveRequest, EtcdLeaseKeepAliveResponse>(
        path: "/etcdserverpb.Lease/LeaseKeepAlive"
    )
    static let timeToLive = RPCMethod<EtcdLeaseTimeToLiveRequest, EtcdLeaseTimeToLiveResponse>(
        path: "/etcdserverpb.Lease/LeaseTimeToLive"
    )
    static let authenticate = RPCMethod<EtcdAuthenticateRequest, EtcdAuthenticateResponse>(
        path: "/etcdserverpb.Auth/Authenticate"
    )
}
