import UnitFile

/// What is left to look at in one planning run, in the order in which it is: first what leaves, so that there is room;
/// then what is where it should not be; then what has no machine; last the global units, because an ordinary unit that
/// conflicts with one needs a single machine, and the global one can have the others.
///
/// An element that is in already is not added twice; one that was taken out may come again, when something it depends
/// on has changed. Taking out is by (phase, unit, slot), which makes a run that starts with more elements than
/// necessary take the same decisions as one that starts with just the necessary ones.
struct Worklist {
    enum Phase: Int, Comparable {
        case release, validate, place, global

        static func < (left: Phase, right: Phase) -> Bool { left.rawValue < right.rawValue }
    }

    struct Element: Hashable, Comparable {
        var phase: Phase
        var unit: UnitName
        /// The machine looked at, for a global unit.
        var slot: Int?

        static func < (left: Element, right: Element) -> Bool {
            (left.phase, left.unit, left.slot ?? -1) < (right.phase, right.unit, right.slot ?? -1)
        }
    }

    private var heap: [Element] = []
    private var members: Set<Element> = []

    mutating func insert(_ element: Element) {
        guard members.insert(element).inserted else { return }
        heap.append(element)
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard heap[child] < heap[parent] else { return }
            heap.swapAt(child, parent)
            child = parent
        }
    }

    mutating func removeFirst() -> Element? {
        guard let first = heap.first else { return nil }
        let last = heap.removeLast()
        if !heap.isEmpty {
            heap[0] = last
            sink()
        }
        members.remove(first)
        return first
    }

    private mutating func sink() {
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count && heap[child] < heap[least] {
                least = child
            }
            guard least != parent else { return }
            heap.swapAt(parent, least)
            parent = least
        }
    }
}
