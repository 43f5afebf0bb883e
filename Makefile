# Everything a developer or CI does, as targets; `make` alone lists them.
#
# Needs on the machine: Python 3.11 or newer, make, and the package registries that pip is set up
# for. The environment in .venv is built once and again only when what it is built from changes, so
# every target may depend on it and stays quiet when there is nothing to do.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready
CODE := src tests tools bench examples ui/build.py hatch_build.py
WORKERS ?= auto
SEEDS ?= 500
SEED ?=
SECONDS ?= 120
NIGHTLY ?= build/nightly.json
ARGS ?=

# Interpreters to try, best known first. Each is started, not only looked for: a name on the path
# may be a shim that leads nowhere, or a build without ssl, which could install nothing.
PYTHONS := python3.11 python3.12 python3.13 python3 python3.14 python
SUITABLE := import sys, ssl, sqlite3, venv, ensurepip; sys.exit(sys.version_info < (3, 11))

# What pins a lock: exact versions for every platform and Python from 3.11 on, with hashes, and no
# word of where the files came from.
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
  --no-header --no-emit-index-url --no-emit-find-links

# Bold on a terminal, plain in a log.
STEP := $(if $(MAKE_TERMOUT),\033[1m==> %s\033[0m\n,==> %s\n)
say = @printf '$(STEP)' $(1)

.PHONY: help setup test browser pictures check lint types imports ui ui-check fmt pytest demo bench \
  chaos sim fresh nightly lock clean distclean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## build the environment in .venv from the locked versions (done by every other target)

$(STAMP): requirements/dev.txt pyproject.toml
	@if [ ! -x $(BIN)/python ] || ! $(BIN)/python -c '$(SUITABLE)' 2>/dev/null; then \
	  for python in $(if $(PYTHON),$(PYTHON),$(PYTHONS)); do \
	    if "$$python" -c '$(SUITABLE)' >/dev/null 2>&1; then found="$$python"; break; fi; \
	  done; \
	  if [ -z "$${found:-}" ]; then \
	    echo 'No Python 3.11 or newer with ssl, sqlite3 and venv was found (on Debian: apt install' \
	      'python3 python3-venv). Name one with: make setup PYTHON=/path/to/python3' >&2; exit 1; \
	  fi; \
	  printf '$(STEP)' "creating $(VENV) with $$("$$found" --version)"; \
	  "$$found" -m venv --clear $(VENV); \
	fi
	$(call say,"installing the locked versions (first time: a minute or two)")
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes \
	  --requirement requirements/dev.txt
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --no-index \
	  --no-build-isolation --editable .
	@touch $@

test: check pytest ## lint, types, import contracts, all tests, coverage: what CI runs

check: lint types imports ui-check ## the checks that read the code without running it

lint: $(STAMP)
	$(call say,"ruff: rules and format")
	@$(BIN)/ruff check --quiet $(CODE)
	@$(BIN)/ruff format --quiet --check $(CODE)

types: $(STAMP)
	$(call say,"pyright: strict types in src")
	@$(BIN)/pyright --warnings

imports: $(STAMP)
	$(call say,"import-linter: who may import whom")
	@if said=$$($(BIN)/lint-imports --no-logo 2>&1); then echo "$${said##*$$'\n'}"; \
	  else echo "$$said"; exit 1; fi

ui: $(STAMP) ## build the operator's page, where it is absent or older than its sources
	@$(BIN)/python ui/build.py

ui-check: $(STAMP)
	$(call say,"page: rules and strict types and tests of its TypeScript")
	@$(BIN)/python ui/build.py --check

pytest: $(STAMP) ui
	$(call say,"pytest: all tests")
	@$(BIN)/coverage erase
	@$(BIN)/coverage run -m pytest -n $(WORKERS) $(ARGS)
	$(call say,"coverage: what each package must reach")
	@$(BIN)/coverage combine --quiet
	@$(BIN)/python tools/coverage_gate.py

fmt: $(STAMP) ## format, and repair what ruff can repair
	@$(BIN)/ruff check --quiet --fix-only $(CODE)
	@$(BIN)/ruff format $(CODE)
	@$(BIN)/python ui/build.py --format

demo: $(STAMP) ## one integration, both control models, in your terminal
	@$(BIN)/python ui/build.py --try
	@$(BIN)/python examples/retail/demo.py $(ARGS)

bench: $(STAMP) ## measure: throughput, latency, recovery
	@$(BIN)/python bench/run.py $(ARGS)

browser: $(STAMP) ui ## only the tests that walk the page in a real browser (Chromium)
	@$(BIN)/pytest -m browser -n $(WORKERS) $(ARGS)

pictures: $(STAMP) ui ## take the pictures of docs/page.md anew (Chromium, and the font Inter)
	@rm -f docs/page/*.png
	@BATUTA_PICTURES=1 $(BIN)/pytest -m browser -n $(WORKERS) tests/page $(ARGS)

chaos: $(STAMP) ## kill real processes, again and again, and compare what is left
	@$(BIN)/pytest -m chaos -n 0 $(ARGS)

sim: $(STAMP) ## simulate many seeds (SEEDS=500), or one (SEED=17)
ifneq ($(SEED),)
	@$(BIN)/python tools/simulate.py --seed $(SEED)
else
	$(call say,"simulation: both control models from the first seed on")
	@$(BIN)/python tools/simulate.py --seeds $(SEEDS) $(ARGS)
	$(call say,"properties of the parts of a program: as many seeds")
	@BATUTA_SEEDS=$(SEEDS) $(BIN)/pytest -m sim -n $(WORKERS)
endif

fresh: $(STAMP) ## simulate new seeds, which follow from the commit, for two minutes (SECONDS=120)
	$(call say,"simulation: new seeds")
	@$(BIN)/python tools/simulate.py --new --seconds $(SECONDS)

nightly: $(STAMP) ## simulate a million new seeds (SEEDS=1000000); goes on where it was stopped
	$(call say,"simulation: many new seeds")
	@$(BIN)/python tools/simulate.py --new --seeds $(if $(filter file,$(origin SEEDS)),1000000,$(SEEDS)) \
	  --most 20 --resume $(NIGHTLY)

lock: $(STAMP) ## pin requirements/*.txt anew from pyproject.toml (ARGS=--upgrade for newer versions)
	@$(BIN)/python -m pip install -qq --disable-pip-version-check uv
	@$(LOCK) $(ARGS) pyproject.toml --output-file requirements/run.txt
	@$(LOCK) $(ARGS) pyproject.toml --group dev --constraint requirements/run.txt \
	  --output-file requirements/dev.txt
	$(call say,"requirements/run.txt and requirements/dev.txt are pinned")

clean: ## remove caches, reports and builds
	@rm -rf build dist .coverage .coverage.* .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	@find src tests tools bench examples -name __pycache__ -type d -prune -exec rm -rf {} +

distclean: clean ## remove the environment too
	@rm -rf $(VENV) ui/node_modules src/batuta/server/static
