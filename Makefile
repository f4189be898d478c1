# The front door. Everything behind it is CMake: `cmake --list-presets` shows the ways to build,
# CMakeLists.txt the options.

BUILD_PACKAGES = build-essential cmake ninja-build pkg-config libdw-dev liburing-dev
TEST_PACKAGES  = $(BUILD_PACKAGES) check valgrind gdb socat
DOCS_PACKAGES  = doxygen python3-sphinx python3-breathe
PREFIX        ?= /usr/local

CTEST_PARALLEL_LEVEL ?= $(shell nproc 2>/dev/null || echo 2)
export CTEST_PARALLEL_LEVEL

.PHONY: help demo test soak bench conformance docs install format ci clean

# A word is offered when what it works on is in the tree.
ABSENT = $(if $(wildcard examples/demo examples/demo.c),,demo) \
         $(if $(wildcard bench/bench_*.c),,bench) \
         $(if $(wildcard tests/conformance/oracle/compare.py),,conformance)

help: ## what can be made
	@awk -F ':.*## ' -v absent=" $(ABSENT) " '/^[a-z]+:.*## / && !index(absent, " " $$1 " ") \
	    { printf "  make %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

demo: ## install what is missing, build, and run the tour and the echo server with its thousands of clients
	@scripts/install-packages $(BUILD_PACKAGES)
	@cmake --preset release -D COIL_BUILD_TESTS=OFF >/dev/null
	@cmake --build --preset release --target demo
	@trap : INT; build/release/examples/demo || [ $$? -eq 130 ] # a Ctrl-C ends it well

test: ## install what is missing, build, and run every test
	@scripts/install-packages $(TEST_PACKAGES)
	cmake --preset debug
	cmake --build --preset debug
	ctest --preset debug

soak: ## send known bytes over thousands of connections that are disturbed in every way, for MINUTES=10
	@scripts/install-packages $(TEST_PACKAGES)
	@cmake --preset release -D COIL_BUILD_TESTS=ON >/dev/null
	@cmake --build --preset release --target soak
	@build/release/tests/net/soak $$(( $(or $(MINUTES),10) * 60 )) 1000 $$$$

bench: ## measure, with the optimised build
	@scripts/install-packages $(BUILD_PACKAGES)
	@cmake --preset release -D COIL_BUILD_TESTS=OFF >/dev/null
	@cmake --build --preset release --target bench

conformance: ## compare the order of events with CPython's on N=1000 fresh programs
	@scripts/install-packages $(TEST_PACKAGES) python3 nodejs npm
	@cmake --preset release -D COIL_BUILD_TESTS=ON >/dev/null
	@cmake --build --preset release --target conformance_run
	@python3 -B tests/conformance/oracle/compare.py --coil build/release/tests/conformance/conformance_run \
	    --work-dir build --feat c,ce,e,q,eq --count $(or $(N),1000)

docs: ## install what is missing, and build the manual
	@scripts/install-packages $(DOCS_PACKAGES)
	@docs/build.sh build/docs
	@echo "The manual is in build/docs/html: open build/docs/html/index.html"

install: ## build, and install under PREFIX, which is /usr/local
	@scripts/install-packages $(BUILD_PACKAGES)
	cmake --preset release -D COIL_BUILD_TESTS=OFF
	cmake --build --preset release
	cmake --install build/release --prefix $(PREFIX)

format: ## put the sources into the project's layout with clang-format
	@scripts/install-packages clang-format
	@scripts/list-sources | xargs clang-format -i

ci: ## everything that must hold before a change goes in: compilers, sanitizers, packaging
	@.ci/run

clean: ## remove everything that was built
	rm -rf build
