import ArgumentParser
import UnixSignals
@main struct Fleetd: ParsableCommand { func run() {} }
