import Crypto
package import FleetModel
package import FleetRuntime
import FoundationEssentials

/// Seals secrets with AES-256-GCM (NIST SP 800-38D) under keys from a file.
///
/// Every sealing takes a new random nonce of 12 bytes; sealed are the nonce, the text and the tag, in this order. The
/// name, with a mark of this form, is authenticated with it: what was sealed for one name does not open under another
/// one, so nobody who may write to the registry can give a unit the secret of another.
///
/// The file is read for each use: keys are in memory no longer than they are needed, and a new one counts at once.
package struct FileSecretBox: SecretBox {
    private let path: String
    private let made: String?
    private let mayMake: Bool

    /// Of what is authenticated, so that another form of sealing never opens as this one.
    private static let form = "fleet-secret-1"

    /// `path` is the file that operators write. `made` is one that is made with a new key when a secret is sealed and
    /// neither has a key: for a fleet of one machine, so only if `mayMake`. The keys of both always count, those of
    /// `path` first: a machine that made its key opens what is sealed under it after it has joined others too.
    package init(path: String, made: String? = nil, mayMake: Bool = true) {
        self.path = path
        self.made = made
        self.mayMake = mayMake
    }

    package func keys() throws(SecretBoxError) -> [SecretKeyID] { try allKeys().map(\.id) }

    package func seal(_ content: [UInt8], for name: CredentialName) throws(SecretBoxError) -> SealedSecret {
        guard let key = try sealingKey() else {
            throw SecretBoxError(
                .noKey,
                "there is no key to seal secrets with on this machine: 'fleetctl secret key new' prints one; put the line "
                    + "into \(path) on all machines, readable by root only (mode 0600), and 'systemctl reload fleetd'"
            )
        }
        do {
            let box = try AES.GCM.seal(content, using: SymmetricKey(data: key.bytes), authenticating: Self.mark(name))
            guard let bytes = box.combined else { throw SecretBoxError(.broken, "the cipher has no standard nonce") }
            return SealedSecret(key: key.id, bytes: Array(bytes))
        } catch {
            throw SecretBoxError(.broken, "the secret cannot be sealed: \(error)")
        }
    }

    package func open(_ secret: SealedSecret, for name: CredentialName) throws(SecretBoxError) -> [UInt8] {
        guard let key = try allKeys().first(where: { $0.id == secret.key }) else {
            throw SecretBoxError(.noKey, "the key \(secret.key), which it is sealed under, is not on this machine")
        }
        do {
            let box = try AES.GCM.SealedBox(combined: secret.bytes)
            return Array(try AES.GCM.open(box, using: SymmetricKey(data: key.bytes), authenticating: Self.mark(name)))
        } catch {
            throw SecretBoxError(
                .broken,
                "what is stored is not what was sealed under the key \(secret.key) for the secret \(name): set it again"
            )
        }
    }

    private static func mark(_ name: CredentialName) -> [UInt8] { Array("\(form)\0\(name)".utf8) }

    private func sealingKey() throws(SecretBoxError) -> (id: SecretKeyID, bytes: [UInt8])? {
        if let key = try allKeys().first { return key }
        guard let made, mayMake else { return nil }
        let key = SymmetricKey(size: .bits256).withUnsafeBytes { Array($0) }
        try KeyFile.write(key, to: made)
        return (SecretKeyID(ofKey: key), key)
    }

    private func allKeys() throws(SecretBoxError) -> [(id: SecretKeyID, bytes: [UInt8])] {
        let own = try KeyFile.read(path)?.keys ?? []
        guard let made, made != path, let file = try KeyFile.read(made) else { return own }
        return own + file.keys.filter { key in !own.contains { $0.id == key.id } }
    }
}
