/// What is to happen, by (time, sequence): what was scheduled first happens first, so that a seed has one history.
struct EventQueue {
    struct Event {
        let time: Int64
        let sequence: Int64
        let action: () -> Void

        func isBefore(_ other: Event) -> Bool {
            time != other.time ? time < other.time : sequence < other.sequence
        }
    }

    private var heap: [Event] = []
    private var sequence: Int64 = 0

    var isEmpty: Bool { heap.isEmpty }
    var nextTime: SimTime? { heap.first.map { SimTime(microseconds: $0.time) } }

    mutating func add(_ time: SimTime, _ action: @escaping () -> Void) {
        sequence += 1
        heap.append(Event(time: time.microseconds, sequence: sequence, action: action))
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard heap[child].isBefore(heap[parent]) else { return }
            heap.swapAt(child, parent)
            child = parent
        }
    }

    mutating func removeFirst() -> Event? {
        guard let first = heap.first else { return nil }
        let last = heap.removeLast()
        guard !heap.isEmpty else { return first }
        heap[0] = last
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count && heap[child].isBefore(heap[least])
            {
                least = child
            }
            guard least != parent else { return first }
            heap.swapAt(parent, least)
            parent = least
        }
    }

    /// Breaks the circles between the world and what waits in it.
    mutating func removeAll() { heap = [] }
}
