import FleetModel
import Testing
import UnitFile

@testable import FleetAgent

/// A unit's image is there before anything else is done for its start.
@Suite struct ImageTests {
    let web: UnitName = "web.service"
    let image = ImagePull(name: "docker.io/library/web:1")

    private func assignment(_ file: ContentHash = fileA, generation: Generation = 1) -> Assignment {
        var assignment = Assignment.launched(file, generation: generation)
        assignment.image = image
        return assignment
    }

    private func answer(_ bench: inout Bench, _ result: PullResult, after wait: Duration = .zero) throws -> [String] {
        let id = try #require(bench.pulls[web])
        bench.pulls[web] = nil
        return bench.step(.pulled(id, web, result), after: wait)
    }

    @Test func whatIsThereCostsOneQuestion() throws {
        var bench = Bench.ready()
        #expect(bench.assign(web, assignment()) == ["pull web.service docker.io/library/web:1"])
        #expect(try answer(&bench, .present) == ["perform install web.service"])
        #expect(bench.end(web, as: .dead()) == ["perform start web.service"])
        _ = bench.end(web, as: .running())
        // Asked for again under a new generation, it runs already.
        #expect(!bench.assign(web, assignment(generation: 2)).contains { $0.hasPrefix("pull") })
    }

    @Test func aPullThatTakesItsTimeIsToldAndItsEndTold() throws {
        var bench = Bench.ready()
        _ = bench.assign(web, assignment())
        let id = try #require(bench.pulls[web])
        #expect(bench.step(.pulling(id, web, note: "")) == ["publish web.service inactive/dead 1.0 pulling: "])
        #expect(
            bench.step(.pulling(id, web, note: "Copying blob 2"), after: .seconds(5))
                == ["publish web.service inactive/dead 1.0 pulling: Copying blob 2"]
        )
        #expect(
            try answer(&bench, .pulled(after: .seconds(7))) == [
                "event web.service pulled: pulled docker.io/library/web:1 in 7s", "perform install web.service",
            ]
        )
    }

    @Test func aFirstRunWithoutItsImageHasFailed() throws {
        var bench = Bench.ready()
        _ = bench.assign(web, assignment())
        let lines = try answer(&bench, .failed(reason: "the image web:1 cannot be pulled: manifest unknown"))
        #expect(
            lines == [
                "remember web.service - loaded failed 1.0",
                "publish web.service inactive/dead 1.0 failed image: the image web:1 cannot be pulled: manifest unknown",
                "journal web.service 1.0 []",
            ]
        )
        // The next try asks again.
        var again = assignment()
        again.attempt = 1
        _ = bench.step(.journal(web, RunID(generation: 1, attempt: 0), lines: []))
        #expect(bench.assign(web, again).contains("pull web.service docker.io/library/web:1"))
    }

    @Test func whatRunsIsLeftAloneUntilTheNewImageIsThere() throws {
        var bench = Bench.ready()
        bench.run(web, .launched(fileA, generation: 1))
        #expect(bench.assign(web, assignment(fileB, generation: 2)) == ["pull web.service docker.io/library/web:1"])
        #expect(
            try answer(&bench, .failed(reason: "no such image")) == [
                "publish web.service active/running 1.0 not pulled: no such image",
                "event web.service failed: no such image; what runs is left alone, and the pull is tried again",
                "wake in 5000 ms",
            ]
        )
        #expect(bench.step(.wake, after: .seconds(5)).contains("pull web.service docker.io/library/web:1"))
        // Told once; the waits double.
        #expect(
            try answer(&bench, .failed(reason: "no such image")).filter { !$0.hasPrefix("publish") }
                == ["wake in 10000 ms"]
        )
        _ = bench.step(.wake, after: .seconds(10))
        #expect(try answer(&bench, .pulled(after: .seconds(2))).last == "perform stop web.service")
        #expect(bench.end(web, as: .dead()).last == "perform install web.service")
        #expect(bench.end(web, as: .dead(fileB)) == ["perform start web.service"])
    }

    @Test func whatCannotBeAskedForIsMadeDoWith() throws {
        var bench = Bench.ready()
        _ = bench.assign(web, assignment())
        #expect(
            try answer(&bench, .kept(reason: "the image web:1 cannot be pulled: no route")) == [
                "event web.service failed: the image web:1 cannot be pulled: no route; "
                    + "going on with the one that is on this machine (PullPolicy=newer)",
                "perform install web.service",
            ]
        )
    }

    /// While an older run goes on for want of the new image, it is guarded as before.
    @Test func aRunWhoseImageWasRefusedFailsOnceNothingRuns() throws {
        var bench = Bench.ready()
        bench.run(web, .launched(fileA, generation: 1))
        _ = bench.assign(web, assignment(fileB, generation: 2))
        _ = try answer(&bench, .failed(reason: "no such image"))
        let lines = bench.step(.observed(web, .failed()))
        #expect(lines.contains { $0.hasPrefix("publish web.service failed/failed 2.0 failed image: no such image") })
        #expect(lines.last == "journal web.service 2.0 []")
    }

    @Test func aPullThatCouldNotBeMadeIsNoReasonToFail() throws {
        var bench = Bench.ready()
        bench.run(web, .launched(fileA, generation: 1))
        _ = bench.assign(web, assignment(fileB, generation: 2))
        _ = try answer(&bench, .notRun(reason: "no systemd"))
        #expect(!bench.step(.observed(web, .dead())).contains { $0.contains("failed image") })
        #expect(bench.step(.wake, after: .seconds(5)).contains("pull web.service docker.io/library/web:1"))
    }

    @Test func whatRunsWhileItsSuccessorWaitsIsChecked() throws {
        var bench = Bench.ready()
        let check = HealthTests.check { $0.retries = 2 }
        bench.run(web, HealthTests.launched(check))
        _ = bench.checked(web, HealthTests.ok)
        _ = bench.assign(web, assignment(fileB, generation: 2))
        _ = try answer(&bench, .failed(reason: "no such image"))
        #expect(bench.step(.wake, after: .seconds(10)).contains("check web.service"))
        // The other thing that was due.
        let again = try answer(&bench, .failed(reason: "no such image"))
        #expect(again.allSatisfy { !$0.hasPrefix("event") })
        _ = bench.checked(web, HealthTests.bad)
        _ = bench.step(.wake, after: .seconds(10))
        if bench.pulls[web] != nil { _ = try answer(&bench, .failed(reason: "no such image")) }
        let lines = bench.checked(web, HealthTests.bad)
        #expect(
            lines.contains(
                "event web.service failed: health check failed 2 times: exit status 1: no db; "
                    + "stopping it, though what replaces it has no image yet"
            )
        )
        #expect(lines.last == "perform stop web.service")
        let end = bench.end(web, as: .dead())
        #expect(end.contains { $0.contains("2.0 failed image: no such image") })
        #expect(!end.contains { $0.contains("its unit file changed") })
    }

    @Test func whatRunsWhileItsSuccessorWaitsMayBeACrashLoop() throws {
        var bench = Bench.ready()
        bench.run(web, .launched(fileA, generation: 1))
        _ = bench.assign(web, assignment(fileB, generation: 2))
        _ = try answer(&bench, .failed(reason: "no such image"))
        var lines: [String] = []
        for restarts in 0...UInt32(11) where bench.flights[web] == nil {
            lines += bench.step(
                .observed(
                    web,
                    .state("activating", "auto-restart") { ($0.restarts, $0.result) = (restarts, "signal") }
                ),
                after: .milliseconds(100)
            )
        }
        #expect(lines.last == "perform stop web.service")
        #expect(lines.contains { $0.hasPrefix("event web.service failed: restarted 10 times in") })
    }

    @Test func aRestartPullsFirst() throws {
        var bench = Bench.ready()
        var first = assignment()
        _ = bench.assign(web, first)
        _ = try answer(&bench, .present)
        _ = bench.end(web, as: .dead())
        _ = bench.end(web, as: .running())
        (first.generation, first.restart) = (2, 2)
        #expect(bench.assign(web, first) == ["pull web.service docker.io/library/web:1"])
        #expect(try answer(&bench, .present) == ["perform restart web.service"])
    }

    @Test func aUnitThatIsNotWantedAnyMoreEndsItsPull() throws {
        var bench = Bench.ready()
        _ = bench.assign(web, assignment())
        let id = try #require(bench.pulls[web])
        #expect(bench.assign(web, nil) == ["end the pull"])
        // The answer comes all the same, and says nothing.
        #expect(bench.step(.pulled(id, web, .failed(reason: "ended"))).isEmpty)
        #expect(bench.assign(web, assignment(generation: 3)) == ["pull web.service docker.io/library/web:1"])
    }

    @Test func aNewerRunTakesOverThePullOfItsImage() throws {
        var bench = Bench.ready()
        _ = bench.assign(web, assignment())
        let id = try #require(bench.pulls[web])
        _ = bench.step(.pulling(id, web, note: ""))
        // The same pull goes on; only the status has news.
        #expect(
            bench.assign(web, assignment(fileB, generation: 2))
                == ["publish web.service inactive/dead 2.0 pulling: "]
        )
        #expect(bench.pulls[web] == id)
        #expect(try answer(&bench, .pulled(after: .seconds(9))).last == "perform install web.service")
    }

    @Test func aNewerRunThatWantsTheNewestAsksAnew() throws {
        var bench = Bench.ready()
        var first = assignment()
        first.image?.policy = .always
        _ = bench.assign(web, first)
        first.generation = 2
        #expect(bench.assign(web, first) == ["end the pull", "pull web.service docker.io/library/web:1"])
    }

    @Test func itIsKnownWhichImagesAreWanted() throws {
        var bench = Bench()
        #expect(bench.core.wantedImages == nil)
        _ = bench.step(.connected([:]))
        #expect(bench.core.wantedImages == nil)
        _ = bench.step(.listed(assignments: [web: assignment()], refusals: [:]))
        #expect(bench.core.wantedImages == [image])
        _ = bench.assign(web, nil)
        #expect(bench.core.wantedImages == [])
    }

    @Test func whatCouldNotBeAskedIsAskedAgain() throws {
        var bench = Bench.ready()
        _ = bench.assign(web, assignment())
        #expect(try answer(&bench, .notRun(reason: "no systemd")).last == "wake in 5000 ms")
        #expect(bench.step(.wake, after: .seconds(5)) == ["pull web.service docker.io/library/web:1"])
    }
}
