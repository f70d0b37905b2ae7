import FoundationEssentials

/// Where the lab keeps its files: `.lab` in the repository, or `FLEET_LAB_DIRECTORY`.
enum LabDirectory {
    static let path: String = {
        let environment = ProcessInfo.processInfo.environment
        if let chosen = environment["FLEET_LAB_DIRECTORY"], !chosen.isEmpty { return chosen }
        return repository + "/.lab"
    }()

    /// The nearest folder from the current one upwards that holds Package.swift.
    static let repository: String = {
        let start = FileManager.default.currentDirectoryPath
        var folder = start
        while folder != "/" && !Files.exists(folder + "/Package.swift") {
            folder = folder.split(separator: "/").dropLast().reduce("") { $0 + "/" + $1 }
            if folder.isEmpty { folder = "/" }
        }
        return folder == "/" ? start : folder
    }()

    /// Root file systems, shared by all labs.
    static var roots: String { path + "/roots" }
    /// One folder for each lab that runs.
    static var labs: String { path + "/labs" }
    /// Journals of machines whose tests failed.
    static var journals: String { path + "/journals" }
}
