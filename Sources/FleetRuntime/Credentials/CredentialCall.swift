package import FleetAgent

/// Port: the socket on which systemd asks for units' credentials. `CredentialSocket` is the real one.
package protocol CredentialListener: Sendable {
    /// Answers from now on, until `stop`. What came before has waited in the socket. Call it once.
    func listen() -> AsyncStream<CredentialCall>
    /// Accepts nothing more; the stream ends.
    func stop()
}

/// Somebody is connected and waits for an answer.
package struct CredentialCall: Sendable {
    /// nil when whoever asks is not systemd: not root, or with no address of its form. Nothing is answered then.
    package var peer: CredentialPeer?
    /// Hands over the content and hangs up. nil refuses, so that systemd does not start the unit: it takes a
    /// connection that is closed without a word for an empty credential.
    package var answer: @Sendable (_ content: [UInt8]?) async -> Void

    package init(peer: CredentialPeer?, answer: @escaping @Sendable ([UInt8]?) async -> Void) {
        self.peer = peer
        self.answer = answer
    }
}
