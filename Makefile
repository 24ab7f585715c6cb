# `make demo` and `make test` are all that a newcomer needs. A text behind ## is what `make help` shows.

MAKEFLAGS += --no-print-directory
ARGS ?=
PYTHON ?=
export PYTHON

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-quick soak tools lint format docs testbed benchmarks clean

help: ## List the targets
	@awk 'BEGIN { FS = ":[^#]*## " } /^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' Makefile
	@echo 'ARGS hands arguments on to what a target runs: make demo ARGS="--help", make test ARGS="-k values"'

demo: setup ## Launch a commons on an emulated cloud, until Ctrl-C (ARGS go to csoc demo: ARGS="--exit" ends it)
	@.venv/bin/csoc demo $(ARGS)

test: tools ## Check everything: lint, types, import contract, all suites (ARGS go to pytest)
	@.venv/bin/python -m scripts.run_suites $(ARGS)

setup: ## Make .venv with csoc in it; quick when nothing changed
	@scripts/setup

tools: ## Add the tools of the suites to .venv
	@scripts/setup --tools

test-quick: tools ## Run the unit tests only (ARGS go to pytest)
	@.venv/bin/pytest tests/unit -n 2 $(ARGS)

soak: tools ## Kill workers and launches hundreds of times (CSOC_SOAK=N seeds, 200 without it; a quarter of them of launches)
	@CSOC_SOAK=$${CSOC_SOAK:-200} .venv/bin/pytest tests/functional/test_runs_survive.py tests/functional/test_launches_survive.py -m soak -n 2 --timeout 0 $(ARGS)

lint: tools ## Run the checks without the suites: ruff, mypy, import contract
	@.venv/bin/python -m scripts.run_suites --only-checks

format: tools ## Format the code and repair what ruff can
	@.venv/bin/ruff check --fix --quiet . || true
	@.venv/bin/ruff format .

benchmarks: tools ## Measure speed and memory and compare with the targets (ARGS go to pytest)
	@.venv/bin/pytest tests/benchmarks -m benchmark -rP $(ARGS)

testbed: tools ## Build or fetch the real servers of the suites, once a machine
	@.venv/bin/python -m scripts.run_suites --only-testbed

docs: tools ## Write docs/reference anew from the code
	@.venv/bin/python -m scripts.write_reference
	@.venv/bin/python -m scripts.nag_page

clean: ## Remove what was made here: .venv, build, caches (not the testbed, which all checkouts share)
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
