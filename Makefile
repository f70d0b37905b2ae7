# The front door. Every target sets up what it needs (packaging/setup); `make` alone lists them.

.PHONY: help setup build test test-unit test-system sim chaos lint deb symbol-order root demo bench fuzz clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' Makefile

setup: ## Install the Debian packages that are missing (root only when some are)
	@packaging/setup

build: ## Debug build of everything, with the import check
	@packaging/setup build
	@packaging/build

test: ## Everything: set-up, build, all test layers, packages, machines (root)
	@packaging/test all

test-unit: ## The layers that need neither root nor packages
	@packaging/test unit

test-system: ## The packages on booted machines (root)
	@packaging/test system

sim: ## 100,000 seeds of the simulator, optimised, on all processors (SEEDS=, FROM= for others)
	@packaging/setup build
	@swift build -c release --product fleet-sim
	@.build/release/fleet-sim --from $(or $(FROM),1) --count $(or $(SEEDS),100000)

chaos: ## 200 random faults on five machines with etcd, 15 minutes (root); SEED=, FAULTS= for others
	@packaging/chaos --seed $(or $(SEED),1) --faults $(or $(FAULTS),200)

lint: ## Format the sources, then check format and the project's own rules
	@swift format format --in-place --recursive Package.swift Sources Tests
	@swift format lint --strict --recursive Package.swift Sources Tests
	@packaging/test tidy

deb: ## dist/fleetd_*.deb and dist/fleetctl_*.deb
	@packaging/setup build packaging
	@packaging/build-deb

symbol-order: ## Measure anew which functions fleetd runs, for the linker (root)
	@packaging/symbol-order

root: ## The root file systems of the lab's machines, under .lab/
	@packaging/setup build lab
	@swift run fleet-lab root

demo: ## A machine with the packages and the examples (root); MACHINES=3: a fleet with etcd that loses a machine
	@packaging/demo $(or $(MACHINES),1)

bench: ## The figures of docs/benchmarks.md (root)
	@packaging/setup
	@packaging/bench

fuzz: ## Feed the unit-file parser random input
	@packaging/setup build
	@Tests/Fuzz/run

clean: ## Remove build products, packages and the lab's files (machines have to be down)
	@if [ -d .lab ] && [ -x .build/debug/fleet-lab ]; then .build/debug/fleet-lab down --all; fi
	rm -rf .build .build-* dist .lab
