# `make test` and `make demo` need nothing but make, and install the rest (as root, on Debian or
# Ubuntu) or say what is missing. `make help` lists every target.

PYTHON ?=
export PYTHON
BIN := .venv/bin
PIP_COMPILE := $(BIN)/pip-compile --quiet --generate-hashes --strip-extras --allow-unsafe \
	--no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-header --no-annotate

.PHONY: help venv test demo unit property contract docker-test browser faults lint format images bench \
	compatibility lock engine-up engine-down clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

venv: ## the package and its locked dependencies, in .venv
	@scripts/bootstrap.sh

test: ## everything that CI checks
	@scripts/test.sh

demo: venv ## the whole road with the bundled example (YES=1: don't ask)
	@scripts/engine.sh up >/dev/null
	@$(BIN)/penstock demo $(if $(YES),--yes)

unit property contract: venv ## tests without a container engine: one kind
	$(BIN)/pytest tests/$@ -q

docker-test: venv ## tests against a container engine
	@scripts/engine.sh up >/dev/null
	$(BIN)/pytest tests/docker

browser: venv ## tests that drive the console with this machine's chromium
	@scripts/engine.sh up >/dev/null
	$(BIN)/pytest tests/browser

faults: venv ## tests that kill the server and start it again
	@scripts/engine.sh up >/dev/null
	$(BIN)/pytest tests/faults

lint: venv ## style, types, direction of imports
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

format: venv ## put the code into the agreed form
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

images: venv ## build the base images that the server would build when it first needs them
	@scripts/engine.sh up >/dev/null
	$(BIN)/python -m penstock.containers.images

bench: venv ## measure, beside the raw thing (benchmarks/README.md)
	@scripts/engine.sh up >/dev/null
	@$(BIN)/python -m benchmarks

compatibility: venv ## docs/compatibility.md, from the operation tables
	$(BIN)/python scripts/compatibility.py docs/compatibility.md

lock: venv ## lock the dependencies anew, by hash
	$(PIP_COMPILE) --upgrade --output-file requirements.lock pyproject.toml
	$(PIP_COMPILE) --upgrade --extra dev --constraint requirements.lock \
	    --output-file requirements-dev.lock pyproject.toml

engine-up: ## a container engine: the one that runs, or Debian's, started
	@scripts/engine.sh up >/dev/null

engine-down: ## stop the container engine that we started
	@scripts/engine.sh down

clean: ## what builds and tests leave in this directory
	rm -rf build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find src tests -name __pycache__ -type d -exec rm -rf {} +
