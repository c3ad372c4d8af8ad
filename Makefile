# Everything a person types. `make` alone lists it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# For tests that wait a good part of their time, such as for processes.
MORE = $(shell $(PYTHON) -c 'import os; print(min(4, (os.cpu_count() or 1) + 1))')
# How tests are ordered: at random unless told, so that none comes to rely on those before it. What
# guards main keeps their order: it judges a change, and no order of tests that nobody has seen.
ORDER ?=
# All of their tests are marked so; what drives a browser is not even imported.
NO_BROWSER = --ignore=tests/pages/browser
# Without an index in the file: it holds for whoever mirrors one.
COMPILE := $(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 \
	--no-emit-index-url --no-header

# Python keeps what it compiles, whatever the shell says: each test process, and each server that
# a test starts, would compile everything again.
export PYTHONDONTWRITEBYTECODE =

.DEFAULT_GOAL := help
.PHONY: openapi docs subscribe use buy send status history report simulate compare bootstrap help setup demo up reset test test-fast test-cache0 test-faults test-long test-browser test-slow histories check format bench lock migrate migration clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9 -]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(STAMP) ## Build the virtual environment, toolbox included, from the hashed lock

$(STAMP): requirements-dev.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Drawdown needs Python 3.11 or newer; set PYTHON=..."; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@VIRTUAL_ENV=$(abspath $(VENV)) $(BIN)/uv pip install --quiet --require-hashes -r requirements-dev.lock
	@touch $@

demo: setup ## Live whole subscriptions on the local stack and prove the books
	$(BIN)/python cli.py demo

up: setup ## Start the local stack and leave it running; Ctrl-C stops it, data stay
	$(BIN)/python cli.py up

reset: setup ## Empty the local stack's folder
	$(BIN)/python cli.py reset

subscribe use buy send status history report simulate compare bootstrap: setup ## Operators' commands, as in ARGS="acme"
	$(BIN)/python cli.py $@ $(ARGS)

migrate: setup ## Bring the database of DATABASE_URL to the newest revision
	$(BIN)/python -m alembic upgrade head

migration: setup ## Write the next migration from what changed in ledger/sql: NAME=what_changes
	$(BIN)/python -m migrations.draft $(NAME)

test: setup ## Every test but those that kill processes or are slow by nature
	$(BIN)/pytest -q $(ORDER) -n $(MORE) --dist worksteal -m 'not faults and not long and not browser' $(NO_BROWSER) tests clients/python/tests

test-long: setup ## What is slow by nature: seeded faults, long lives, fresh installations
	$(BIN)/pytest -q $(ORDER) -n $(MORE) --dist loadgroup -m 'long and not faults and not browser' $(NO_BROWSER) clients/python/tests tests

test-slow: setup ## What test-long, test-browser and test-faults run, in one session: where one waits, another works
	$(BIN)/pytest -q $(ORDER) -n $(MORE) --dist loadgroup -m 'long or browser or faults' clients/python/tests tests

test-fast: setup ## The tests that start no server
	$(BIN)/pytest -q tests/domain

test-cache0: setup ## The workflow tests with every workflow replayed at every step
	DRAWDOWN_TEST_CACHE=0 $(BIN)/pytest -q tests/workflows

test-faults: setup ## Kill workers between every pair of effects
	$(BIN)/pytest -q $(ORDER) -n auto --maxprocesses 4 -m faults $(NO_BROWSER) tests

test-browser: setup ## What people do in a browser, in Chromium; skipped, and said so, without one
	$(BIN)/pytest -q $(ORDER) -n auto --maxprocesses 2 -m browser tests

histories: setup ## Record the histories to replay; only until a shape is released
	$(BIN)/python -m tests.workflows.record_histories

check: setup ## Format, lint, types, layers, dead code, dependencies
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/vulture
	$(BIN)/deptry .

openapi: setup ## Write docs/openapi.json and its pages as the code has them; what it breaks must be in CHANGELOG.md
	$(BIN)/python -m local.openapi

docs: setup ## Build the site of the documents into site/, without a network
	$(BIN)/python -m local.site site

format: setup ## Format, and repair what the linter can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: setup ## Every figure of the README, one script after the other
	@for script in benchmarks/*.py; do echo "== $$script"; $(BIN)/python "$$script" || exit 1; done

lock: ## Resolve the dependencies again: of the engine, with traces, and of all that works on it
	$(COMPILE) pyproject.toml -o requirements.lock
	$(COMPILE) --extra otel -c requirements.lock pyproject.toml -o requirements-otel.lock
	$(COMPILE) --extra local --extra dev --extra otel -c requirements.lock pyproject.toml -o requirements-dev.lock

clean: ## Remove the environment and every cache, not the data
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
