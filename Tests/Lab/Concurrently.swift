/// Does the same with all machines (or whatever else) at the same time and returns when all are done; results in the
/// order of the elements. The first error ends it.
@discardableResult
package func concurrently<Element: Sendable, Value: Sendable>(
    _ elements: [Element],
    _ body: @escaping @Sendable (Element) async throws -> Value
) async throws -> [Value] {
    try await withThrowingTaskGroup(of: (Int, Value).self) { group in
        for (index, element) in elements.enumerated() {
            group.addTask { (index, try await body(element)) }
        }
        var results: [Int: Value] = [:]
        for try await (index, value) in group { results[index] = value }
        return results.sorted { $0.key < $1.key }.map(\.value)
    }
}
