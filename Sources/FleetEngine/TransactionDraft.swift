import FleetModel
import FleetRegistry
import UnitFile

/// A transaction with its name and the units it is about.
struct TransactionDraft {
    var id: TransactionID
    var transaction: Transaction
    var units: Set<UnitName>
}

/// What must be committed together or not at all: the decisions on one unit that depend on each other.
struct TransactionPart {
    var unit: UnitName
    var compares: [Compare] = []
    var operations: [StoreOperation] = []
}
