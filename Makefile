# Every command of this project. `make` alone lists them.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
PORT ?= 8000
AUTH ?= placeholder
PRICES ?= none
MINUTES ?= 10
VENV := .venv
BIN := $(VENV)/bin
# Two processes for each processor: many tests wait, for HTTP or for other processes.
WORKERS = $(shell expr 2 \* $$(getconf _NPROCESSORS_ONLN))
BY_FILE := --dist loadfile --no-loadscope-reorder
UV := $(BIN)/uv
CONSOLE := functions/system/console/index.html
# Bytecode is made of what is imported, when it is: a third of the time, where most of a package is never used. It is kept,
# whatever the machine says (images of Python often say no): hundreds of processes would compile everything again.
unexport PYTHONDONTWRITEBYTECODE
INSTALL := install --quiet --disable-pip-version-check --no-compile --require-hashes
# No index addresses in the files: everybody resolves from their own.
LOCK = $(UV) pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
  --no-emit-index-url --no-header --no-annotate

FUZZING := tests/e2e/test_fuzzing.py

# What runs on a second implementation of DynamoDB in every `make test`: SQLite's oracle, cascade, stores, lists, conflicts.
# What takes long comes first, so that no process is left alone with it.
# The long ones run on that alone, and on moto in `make integration`, or where there is no second one.
LONG_STORES := $(patsubst %,tests/integration/test_%.py,integrity_oracle cascade_lag cascade_faults cascade_replay)
STORES := $(LONG_STORES) $(patsubst %,tests/integration/test_%.py,cascade_interleavings cascade_late_messages cascade_turns \
  table lists cursors iteration long_texts task_items task_lists task_lists_meanwhile idempotency conditional_requests)

.PHONY: help run console build verify preflight redrive cloud-test test check killers fuzz stores unit aws-rules integration dynoxide e2e lint types python-types console-types format openapi audit artifacts sam-local bench load mutants lock clean

help: ## List these commands
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

# Two stamps in one environment: running needs a third of what testing does.
$(VENV)/.run: local/requirements.txt
	@$(PYTHON) local/check_python.py
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing what the local run needs (once, about half a minute) ..."
	@$(BIN)/python -m pip $(INSTALL) -r $<
	@touch $@

$(VENV)/.test: tests/requirements.txt $(VENV)/.run
	@echo "Installing what the tests need (once) ..."
	@$(BIN)/python -m pip $(INSTALL) -r $<
	@touch $@

# An environment of its own: SAM's command line pins what the project has in other versions.
$(VENV)/.sam: local/sam-requirements.txt $(VENV)/.run
	@echo "Installing SAM's command line (once, about a minute) ..."
	@test -x $(VENV)/sam/bin/python || $(BIN)/python -m venv $(VENV)/sam
	@$(VENV)/sam/bin/python -m pip $(INSTALL) --no-deps -r $<
	@touch $@

$(VENV)/.awscli: local/awscli-requirements.txt $(VENV)/.run
	@echo "Installing AWS's command line, of which only the parser is used (once, about half a minute) ..."
	@test -x $(VENV)/awscli/bin/python || $(BIN)/python -m venv $(VENV)/awscli
	@$(VENV)/awscli/bin/python -m pip $(INSTALL) -r $<
	@touch $@

$(VENV)/.audit: local/audit-requirements.txt $(VENV)/.run
	@echo "Installing what audits the template (once, about half a minute) ..."
	@test -x $(VENV)/audit/bin/python || $(BIN)/python -m venv $(VENV)/audit
	@$(VENV)/audit/bin/python -m pip $(INSTALL) -r $<
	@touch $@

# Node, for the console alone: the one on the path, or a wheel's where there is none.
$(VENV)/.node: console/requirements.txt $(VENV)/.run
	@$(BIN)/python -m local.console is-here || { echo "Installing Node for the console (once, about half a minute) ..." && $(BIN)/python -m pip $(INSTALL) -r $<; }
	@touch $@

# What the system function serves; built anew when something of it has changed.
$(CONSOLE): $(VENV)/.node console/package-lock.json console/build.mjs console/index.html console/icon.svg $(shell find console/src -type f ! -name schema.d.ts)
	@echo "Building the console ..."
	@$(BIN)/python -m local.console

console: $(CONSOLE) ## Build the console into the package of the function that serves it

build: $(CONSOLE) ## The console, then everything with SAM, as `sam deploy` takes it (ENV=prod)
	@sam build --config-env $(or $(ENV),default)

run: $(VENV)/.run $(CONSOLE) ## Serve the whole project on http://127.0.0.1:8000 (or PORT=...; AUTH=jwt asks for tokens; PRICES=list has prices), no AWS account needed
	@exec $(BIN)/python -m local run --port $(PORT) --auth $(AUTH) --prices $(PRICES)

verify: $(VENV)/.run ## Verify the data of a running `make run`: orphans, dangling links, totals
	@$(BIN)/python -m local verify --port $(PORT)

preflight: $(VENV)/.run $(VENV)/.sam ## Before a deploy: what AWS would refuse, what is made, costs and quotas (ENV=prod, REGION=..., PARAMETERS="A=b C=d")
	@$(BIN)/python -m local preflight --config-env $(or $(ENV),default) $(if $(REGION),--region $(REGION)) \
	  $(if $(PARAMETERS),--parameter-overrides "$$PARAMETERS")

redrive: $(VENV)/.run ## Relay what could not be relayed: STACK=name of a stack on AWS, or PORT=... of a local run
	@$(BIN)/python -m local redrive $(if $(STACK),--stack $(STACK),--port $(PORT))

cloud-test: $(VENV)/.run ## Try a stack on AWS (STACK=..., its token in TOKEN), or a local run (PORT=...): docs/cloud-test.md
	@PYTHONPATH=layers/common $(BIN)/python -m local cloud-test $(if $(STACK),--stack $(STACK),--port $(PORT))

test: $(VENV)/.test $(CONSOLE) ## Run the checks: format, lint, types, and all tests but mutants (`make killers`) and generated requests (`make fuzz`)
	@MAKEFLAGS= $(MAKE) --no-print-directory --jobs=4 --output-sync=target lint console-types python-types stores
	@$(BIN)/python -m pytest -n $(WORKERS) $(BY_FILE) $(addprefix --ignore=,$(LONG_STORES) $(FUZZING))

check: lint types ## Format, lint and types only

lint: $(VENV)/.test
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .

types: python-types console-types

python-types: $(VENV)/.test
	@$(BIN)/mypy

# It also installs what the tests of the console use.
console-types: $(VENV)/.node
	@$(BIN)/python -m local.console types

killers: $(VENV)/.test ## Test the tests: each guarantee broken on purpose, and the test that is recorded to notice must fail
	@$(BIN)/python -m tests.mutants check

fuzz: $(VENV)/.test $(CONSOLE) ## Requests generated from openapi.json against the local run: thousands, the same each time
	@$(BIN)/python -m pytest $(FUZZING)

stores: $(VENV)/.test
	@$(BIN)/python -m testbed.dynoxide
	@$(BIN)/python -m pytest -n auto $(BY_FILE) \
	  --dynamodb=$$(test -x $(VENV)/dynoxide/*/dynoxide && echo dynoxide || echo moto) $(STORES)

unit: $(VENV)/.test ## The fast tests: rules, properties and contracts; no socket, no emulator
	@$(BIN)/python -m pytest -n auto --dist worksteal tests/unit tests/property tests/contract --ignore-glob='*/test_aws_*'

aws-rules: $(VENV)/.test ## The template within AWS's own rules and limits, for every combination of its parameters
	@$(BIN)/python -m pytest -n auto --dist loadfile tests/contract/test_aws_*

integration: $(VENV)/.test ## The handlers on an emulator in their own process, and the adapters against servers on loopback
	@$(BIN)/python -m pytest tests/integration tests/providers

dynoxide: $(VENV)/.test ## All tests of what is stored, on another implementation of DynamoDB, which npm brings
	@$(BIN)/python -m testbed.dynoxide
	@$(BIN)/python -m pytest -rs --dynamodb=dynoxide tests/integration

e2e: $(VENV)/.test $(CONSOLE) ## The tests over real HTTP against the local run
	@$(BIN)/python -m local.console types
	@$(BIN)/python -m pytest tests/e2e

format: $(VENV)/.test ## Rewrite the code the way `check` wants it
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

openapi: $(VENV)/.test ## Rewrite the committed openapi.json from the code
	@PYTHONPATH=layers/common $(BIN)/python -m local openapi

audit: $(VENV)/.audit ## Hold the template against what is known to go wrong in AWS (checkov; exceptions with reasons in .checkov.yaml)
	@$(VENV)/audit/bin/checkov --config-file .checkov.yaml

artifacts: $(VENV)/.sam $(CONSOLE) ## Build with SAM for both processors, weigh it, and run every function from what was built alone
	@$(BIN)/python -m local.artifacts

sam-local: $(VENV)/.sam $(VENV)/.awscli $(VENV)/.test ## Every function with its golden events, and the tour, in containers by `sam local`
	@$(BIN)/python -m pytest tests/sam -rs

bench: $(VENV)/.sam $(VENV)/.test ## Measure beside peers into docs/benchmarks.md and docs/capacity.md; print what other documents quote
	@for each in benchmarks capacity ceilings contention batches deletion fairness gallery cost; do PYTHONPATH=layers/common:layers/sandbox:. $(BIN)/python bench/$$each.py || exit 1; echo; done

load: $(VENV)/.run ## Ten minutes (MINUTES=...) of mixed traffic on the local run, into docs/load.md
	@PYTHONPATH=layers/common:layers/sandbox:. $(BIN)/python -m bench.load --minutes $(MINUTES)

mutants: $(VENV)/.test ## Break each guarantee on purpose and record in docs/integrity.md which test notices (takes long)
	@$(BIN)/python -m tests.mutants

lock: $(VENV)/.test ## Re-pin every requirements file, with hashes
	@test -x $(UV) || $(BIN)/python -m pip install --quiet uv
	@$(LOCK) tests/requirements.in --output-file tests/requirements.txt
	@for room in layers/deps layers/media layers/cdn local bench/peers/agency bench/peers/typical; do \
	  $(LOCK) --constraint tests/requirements.txt $$room/requirements.in --output-file $$room/requirements.txt || exit 1; \
	done
	@$(LOCK) local/sam-requirements.in --output-file local/sam-requirements.txt
	@$(LOCK) local/awscli-requirements.in --output-file local/awscli-requirements.txt
	@$(LOCK) local/runtime-requirements.in --output-file local/runtime-requirements.txt
	@$(LOCK) local/audit-requirements.in --output-file local/audit-requirements.txt
	@$(LOCK) console/requirements.in --output-file console/requirements.txt

clean: ## Remove the environment and every cache
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .aws-sam console/node_modules functions/system/console
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
