extension V1 {
    /// Which slice of a list a `nextPageToken` means: URL-safe base64 of two little-endian 16-bit numbers, the items
    /// per page and the page from 1 on. The form is fleet's. Every page is cut from the list as it is when it is
    /// asked for.
    package struct PageToken: Hashable, Sendable, CustomStringConvertible {
        /// Items per page (`token_limit` of fleet.conf), 1 to 65,535.
        package let limit: Int
        package let page: Int

        /// The first page.
        package init(limit: Int) {
            self.init(page: 1, limit: limit)
        }

        private init(page: Int, limit: Int) {
            precondition((1...Int(UInt16.max)).contains(limit), "a page of \(limit) items has no token")
            self.page = page
            self.limit = limit
        }

        /// Throws fleet's messages for a token that a fleetd with this limit did not give out.
        package init(_ text: String, limit: Int) throws(APIError) {
            guard let bytes = Self.decode(text) else { throw APIError(400, "nextPageToken is invalid") }
            let page = Int(bytes[2]) | Int(bytes[3]) << 8
            guard Int(bytes[0]) | Int(bytes[1]) << 8 == limit else {
                throw APIError(400, "token limit must be \(limit)")
            }
            guard page > 0 else { throw APIError(400, "token page must be larger than zero") }
            self.init(page: page, limit: limit)
        }

        package var description: String {
            let limit = UInt16(truncatingIfNeeded: limit)
            let page = UInt16(truncatingIfNeeded: page)
            return Self.encode([limit, page].flatMap { [UInt8(truncatingIfNeeded: $0), UInt8($0 >> 8)] })
        }

        /// The items of this page, and the token of the next if there is anything on it. 65,535 pages is where the
        /// token's form ends; the list is cut there rather than begun again.
        package func cut<Item>(_ items: [Item]) -> (items: [Item], next: String?) {
            let rest = items.dropFirst((page - 1) * limit)
            let hasNext = rest.count > limit && page < UInt16.max
            return (Array(rest.prefix(limit)), hasNext ? PageToken(page: page + 1, limit: limit).description : nil)
        }

        private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

        /// Four bytes as six digits (RFC 4648, 5) and the padding that Go's decoder expects.
        private static func encode(_ bytes: [UInt8]) -> String {
            let number = bytes.reduce(UInt64(0)) { $0 << 8 | UInt64($1) } << 4
            let digits = (0..<6).map { alphabet[Int(number >> UInt64(30 - 6 * $0) & 63)] }
            return String(decoding: digits, as: UTF8.self) + "=="
        }

        private static func decode(_ text: String) -> [UInt8]? {
            let padding = text.hasSuffix("==") ? 2 : 0
            let digits = text.utf8.dropLast(padding)
            guard digits.count == 6 else { return nil }
            var number = UInt64(0)
            for digit in digits {
                guard let value = alphabet.firstIndex(of: digit) else { return nil }
                number = number << 6 | UInt64(value)
            }
            guard number & 15 == 0 else { return nil }
            return (0..<4).map { UInt8(truncatingIfNeeded: number >> UInt64(4 + 8 * (3 - $0))) }
        }
    }
}
