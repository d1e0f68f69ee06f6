# Every target makes its own environment in $(VENV) first. Needs python3 (3.11+), pip, git and make; uses uv if it is there.
VENV ?= .venv
READY = $(VENV)/.ready
BIN = $(VENV)/bin
PYTEST = $(BIN)/pytest
DEFAULT_MARKS = not matrix and not e2e and not endurance

.DEFAULT_GOAL = help
.PHONY: help demo test check format lint types floors bench versions matrix endurance backends e2e prices dashboards picture lock clean

help:  ## this list
	@grep -E '^[a-z0-9]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(READY): constraints/dev.txt pyproject.toml scripts/environment.sh
	scripts/environment.sh $(VENV)

demo: $(READY)  ## real SDKs against a provider on loopback, priced: no key, no network
	$(BIN)/otel-llmcost demo

test: $(READY)  ## all tests that need nothing beyond installed packages (packaging tests install from a package index)
	$(PYTEST) -m "$(DEFAULT_MARKS)"

check: format lint types floors test  ## format, lint, strict types, floors of the house, tests

format: $(READY)
	$(BIN)/ruff format --check .

lint: $(READY)
	$(BIN)/ruff check .

types: $(READY)
	$(BIN)/mypy

floors: $(READY)
	$(PYTEST) tests/test_floors.py

bench: $(READY)  ## speed: ratios in one run (benchmarks/README.md)
	@for file in benchmarks/bench_*.py; do echo "== $$file"; $(BIN)/python "$$file" || exit 1; done

versions: $(READY)  ## every way of calling at the lowest, a middle and the newest SDK versions, an environment for each
	$(PYTEST) -m matrix tests/matrix/test_versions.py

matrix: $(READY)  ## all of that, with servers, workers and other instrumentations beside us; writes docs/matrix.md
	$(PYTEST) -m matrix tests/matrix tests/coexistence

endurance: $(READY)  ## long runs
	$(PYTEST) -m endurance tests

backends:  ## real collector, Prometheus, Jaeger, Alertmanager into .backends/ (gets Go if there is none)
	PATH="$$(scripts/go.sh):$$PATH" scripts/backends.sh

e2e: $(READY)  ## end to end against the real backends that are there
	$(PYTEST) -m e2e tests/e2e

prices: $(READY)  ## the shipped prices again from their sources
	$(BIN)/python scripts/generate_prices.py
	$(BIN)/otel-llmcost collector-config --shipped -o collector-config/pricing.yaml

dashboards: $(READY)  ## the JSON of the dashboards from their code
	$(BIN)/python grafana/build.py

picture: $(READY)  ## the pictures of the documentation again
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python scripts/picture.py docs/images/demo.svg otel-llmcost demo

lock:  ## newer locked versions (needs uv)
	scripts/lock.sh

clean:  ## everything that the targets made
	rm -rf $(VENV) .cache .envs .tools .backends dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis
