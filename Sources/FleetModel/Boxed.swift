/// A value with a place of its own on the heap. A dictionary keeps up to half of its places empty, so that large values
/// right in them cost twice their size; and copying a dictionary copies these pointers only.
package struct Boxed<Value: Sendable>: Sendable {
    private indirect enum Place {
        case of(Value)
    }

    private var place: Place

    package init(_ value: Value) { place = .of(value) }

    package var value: Value {
        switch place {
        case .of(let value): value
        }
    }
}

extension Boxed: Equatable where Value: Equatable {
    package static func == (left: Boxed, right: Boxed) -> Bool { left.value == right.value }
}

extension Boxed: Hashable where Value: Hashable {
    package func hash(into hasher: inout Hasher) { hasher.combine(value) }
}
