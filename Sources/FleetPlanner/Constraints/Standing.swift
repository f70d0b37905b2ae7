/// How a unit stands to the machine it is checked on.
///
/// The difference matters to `Conflicts=` only. A newcomer yields to everyone who is there. Two units that are there
/// already and have come to conflict (a file was replaced, say) must not both leave, so the one whose name sorts last
/// yields; fleet decided conflicts between global units the same way.
package enum Standing: Sendable {
    case newcomer
    case incumbent
}
