import ArgumentParser
import NIOHTTP1
import NIOPosix
import Subprocess
@main struct Fleetctl: ParsableCommand { func run() {} }
