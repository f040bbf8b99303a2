# Everything a person does with this checkout. `make demo` to see it, `make test` before every change.
PYTHON ?= python3
BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest
# A file stays in one process: its databases and topics are made once. Which files come first: tests/running.py.
PARALLEL := -n 2 --dist loadfile --no-loadscope-reorder
# Tests of these folders share one stack; the faults get one of their own.
SHARED_TESTS := $(wildcard tests/unit tests/contracts tests/integration tests/journeys tests/access tests/accessibility)
COVERAGE := --cov --cov-report=

.DEFAULT_GOAL := help
.PHONY: help setup run-setup demo down check test unit faults bench docs lock fmt fresh

help:            ## list these targets
	@grep -hE '^[a-z-]+: .*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 20

setup:           ## make .venv with everything that tests and checks need; quick when nothing changed
	@$(PYTHON) deploy/local/setup.py dev

run-setup:
	@$(PYTHON) deploy/local/setup.py run

demo: run-setup  ## start everything with a sample term; again: reuse it; DEMO=--fresh starts anew
	@$(BIN)/caselight demo $(DEMO)

down: run-setup  ## stop everything
	@$(BIN)/caselight down

check: setup     ## lint, format, types, import directions
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache > .cache/imports.log || { cat .cache/imports.log; exit 1; }

test: check      ## check, then every test
	@rm -f .coverage .coverage.*
	$(PYTEST) $(PARALLEL) $(COVERAGE) $(SHARED_TESTS)
	@if [ -d tests/faults ]; then $(MAKE) --no-print-directory faults; fi
	@$(BIN)/python -m deploy.local.coverage

unit: setup      ## the tests that need no stack
	$(PYTEST) $(PARALLEL) tests/unit

faults: setup    ## kill processes, one test after another, on a stack of their own
	$(PYTEST) -p no:randomly -p no:xdist tests/faults

bench: setup     ## print figures, each with its reference from the same run
	$(BIN)/python -m tests.bench

docs: setup      ## take the pictures of the guides anew
	$(PYTEST) -p no:randomly -q -s tests/guides/take_shots.py

lock: setup      ## resolve all dependencies anew, Python and Java
	@$(BIN)/python -m deploy.local.lock

fmt: setup       ## format, and mend what can be mended
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

fresh:           ## prove the demo on an exported tree with an empty home
	@$(PYTHON) deploy/local/fresh.py
