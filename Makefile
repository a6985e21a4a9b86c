# Headrace's commands. `make` alone lists them.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/sh

VENV := .venv
PY := $(VENV)/bin/python
PIP := $(PY) -m pip install --quiet --disable-pip-version-check --progress-bar off
# Stamps say what is installed, so that a second run goes straight to work.
RUNTIME := $(VENV)/.runtime
TOOLS := $(VENV)/.tools
VENDOR := static/vendor/.stamp
# Checks and tools need settings, but no engines and no secrets of an installation.
TEST_SETTINGS := DJANGO_SETTINGS_MODULE=tests.settings
ARGS ?=

.PHONY: help
help: ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: $(RUNTIME) $(VENDOR) ## Run all of Headrace on this machine, until Ctrl-C
	@exec $(PY) -m deploy.local

.PHONY: demo
demo: $(RUNTIME) ## While `make run` runs: broadcast a test picture with a clock
	@exec $(PY) manage.py demo $(ARGS)

.PHONY: edge
edge: $(RUNTIME) ## While `make run` runs: TLS, HTTP/2 and a cache in front of it
	@exec $(PY) -m deploy.edge $(ARGS)

.PHONY: cluster
cluster: $(RUNTIME) $(VENDOR) ## Run three hosts with one set of databases and the edge in front, on this machine
	@exec $(PY) -m deploy.cluster

.PHONY: test
test: check $(VENDOR) ## Check the code and run every test
	@$(PY) -m pytest $(ARGS)

.PHONY: test-cluster
test-cluster: $(TOOLS) $(VENDOR) ## Run the end-to-end tests on three hosts behind the edge; wants HAProxy and Varnish
	@$(PY) -m pytest tests/e2e --cluster $(ARGS)

CHECKS := lint format types layers templates spelling migrations
.PHONY: check $(CHECKS:%=check-%)
check: $(CHECKS:%=check-%) ## Lint, format, types, layers, templates, spelling, migrations; -k goes on to the end
$(CHECKS:%=check-%): $(TOOLS)
check-lint:
	$(PY) -m ruff check .
check-format:
	$(PY) -m ruff format --check .
check-types:
	$(PY) -m mypy
check-layers:
	$(VENV)/bin/lint-imports
check-templates:
	$(PY) -m djlint templates --lint --check
check-spelling:
	$(PY) -m codespell_lib
check-migrations:
	$(TEST_SETTINGS) $(PY) -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run

.PHONY: bench
bench: $(TOOLS) $(VENDOR) ## Measure latency, CPU and throughput; prints tables and writes JSON
	@exec $(PY) -m bench $(ARGS)

.PHONY: soak
soak: $(TOOLS) $(VENDOR) ## Run the chaos tests that take minutes
	@exec $(PY) -m pytest -m soak --timeout 0 $(ARGS)

.PHONY: audit
audit: $(RUNTIME) ## Ask the package index for known holes in what requirements.txt pins
	@$(PIP) pip-audit
	@$(PY) -m pip_audit --strict --requirement requirements.txt --disable-pip --no-deps --progress-spinner off

.PHONY: requirements
requirements: $(TOOLS) ## Pin what requirements.in and tests/requirements.in name, at its newest
	@$(PIP) uv
	@$(PY) -m uv pip compile --quiet --upgrade --python-version 3.11 requirements.in -o requirements.txt
	@$(PY) -m uv pip compile --quiet --upgrade --python-version 3.11 tests/requirements.in -o tests/requirements.txt

.PHONY: install
install: $(RUNTIME) $(VENDOR) ## Install what `make run` needs, and stop

$(PY):
	@deploy/venv.sh $(VENV)

$(RUNTIME): requirements.txt | $(PY)
	@echo "Installing the Python packages of requirements.txt; the first time takes a minute or two."
	@$(PIP) -r requirements.txt
	@touch $@

$(TOOLS): tests/requirements.txt $(RUNTIME)
	@echo "Installing the tools and test packages of tests/requirements.txt."
	@$(PIP) -r tests/requirements.txt
	@touch $@

$(VENDOR): package-lock.json deploy/vendor.mjs | $(RUNTIME)
	@echo "Fetching the player's JavaScript (hls.js, media-chrome) from npm."
	@deploy/npm.sh $(PY) ci --ignore-scripts --omit=peer --silent
	@deploy/npm.sh $(PY) run --silent vendor
	@touch $@
