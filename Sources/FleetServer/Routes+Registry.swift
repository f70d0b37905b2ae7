import FleetAPI
import FleetRuntime
import HTTPTypes

/// `/fleet/v2/registry`
extension Routes {
    /// All lines of an export but the last one, which whoever has written them down adds: it proves that they arrived.
    func exportRegistry() async throws(APIError) -> Answer {
        let export = try await control.exportRegistry()
        return .lines { writer in
            try await writer.write([export.header])
            var rest = export.entries[...]
            while !rest.isEmpty {
                try await writer.write(Array(rest.prefix(Self.entriesPerPiece)))
                rest = rest.dropFirst(Self.entriesPerPiece)
            }
        }
    }

    /// Lines that are in memory as JSON at the same time.
    private static let entriesPerPiece = 100

    func importRegistry(_ request: APIRequest) async throws(APIError) -> Answer {
        try await control.importRegistry(try await request.json(ImportRequest.self))
        return .json(.ok, Array("{}".utf8))
    }
}
