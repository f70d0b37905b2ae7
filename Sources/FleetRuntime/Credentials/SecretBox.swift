package import FleetModel

/// Port: seals secrets and opens them, with keys that never leave this machine. `FileSecretBox` is the real one.
package protocol SecretBox: Sendable {
    /// The keys that are there, the one that seals first. Empty when there are none.
    func keys() throws(SecretBoxError) -> [SecretKeyID]

    /// Seals under the first key, bound to `name`: under another name it does not open. The same content is never
    /// sealed to the same bytes. Throws `noKey` where there is none and none may be made.
    func seal(_ content: [UInt8], for name: CredentialName) throws(SecretBoxError) -> SealedSecret

    /// Throws `noKey` when its key is not there, and `broken` for what was not sealed by it, for this name.
    func open(_ secret: SealedSecret, for name: CredentialName) throws(SecretBoxError) -> [UInt8]
}

/// Bytes that only who has the key can read.
package struct SealedSecret: Hashable, Sendable {
    package var key: SecretKeyID
    package var bytes: [UInt8]

    package init(key: SecretKeyID, bytes: [UInt8]) {
        self.key = key
        self.bytes = bytes
    }
}

/// Why a secret could not be sealed or opened. Never holds any of its content.
package struct SecretBoxError: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Code: Hashable, Sendable {
        /// The key that is needed is not on this machine.
        case noKey
        /// The file with the keys cannot be used.
        case badFile
        /// The bytes are not what was sealed.
        case broken
    }

    package var code: Code
    /// What is wrong and the way out.
    package var message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { message }
}

/// For a fleetd that was given no keys.
package struct NoSecretBox: SecretBox {
    package init() {}

    private static let error = SecretBoxError(.noKey, "this fleetd has no keys for secrets")

    package func keys() -> [SecretKeyID] { [] }

    package func seal(_ content: [UInt8], for name: CredentialName) throws(SecretBoxError) -> SealedSecret {
        throw Self.error
    }

    package func open(_ secret: SealedSecret, for name: CredentialName) throws(SecretBoxError) -> [UInt8] {
        throw Self.error
    }
}
