# Every target sets up what it needs, in .venv/ of this tree. It asks for Python 3.11+ and make;
# `test`, `check` and `synth` also for Node 20+, on which the CDK runs.

PYTHON  ?= python3
WORKERS ?= auto
ARGS    ?=

VENV  := .venv
BIN   := $(VENV)/bin
READY := $(VENV)/.ready

# The CDK runs on Node 20, but says at every start that it is old.
export JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION := 20

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup demo test check synth bench lock clean format node

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(READY) ## make .venv from requirements.lock (the other targets do it by themselves)

demo: $(READY) ## see runs wait and resume in an embedded cloud (EVENTS=FILE sends your own events)
	@$(BIN)/tarry demo $(if $(EVENTS),--events "$(EVENTS)")

test: $(READY) node ## run every test (ARGS="tests/unit -k key" for some)
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup $(ARGS)

check: $(READY) ## what CI runs: format, lint, types, tests
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	@$(MAKE) --no-print-directory test

synth: $(READY) node ## write the CloudFormation template to cdk.out/
	@rm -rf cdk.out
	@CDK_OUTDIR=cdk.out $(BIN)/python -m tarry_infra.app
	@echo "The template:" cdk.out/*.template.json

bench: $(READY) ## measure what is claimed (ARGS=--list names the benchmarks)
	@$(BIN)/python -m benchmarks $(ARGS)

format: $(READY) ## put the code into form, and mend what ruff can mend
	@$(BIN)/ruff check --fix --exit-zero --quiet
	@$(BIN)/ruff format

LOCK := $(BIN)/uv pip compile pyproject.toml --quiet --universal --python-version 3.11 --generate-hashes \
	--no-header --no-emit-index-url $(if $(UPGRADE),--upgrade)

lock: $(READY) ## renew both lock files after a change in pyproject.toml (UPGRADE=1: newest versions)
	$(LOCK) --all-extras --group dev --output-file requirements.lock
	$(LOCK) --constraints requirements.lock --output-file functions/requirements.lock

clean: ## remove all that these targets made
	rm -rf $(VENV) cdk.out dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# uv (itself pinned and hash-checked) installs in seconds what takes pip a minute. It does not read
# pip's settings, so where only those lead to an index, pip does the same work.
$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "tarry needs Python 3.11 or newer as $(PYTHON); name another: make PYTHON=python3.13 ..." >&2; exit 1; }
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	@echo "Setting up $(VENV)/ from requirements.lock ..."
	@sed -n '/^uv==/,/^    # via/p' requirements.lock > $(VENV)/uv.txt
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes -r $(VENV)/uv.txt
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock || \
		$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

node:
	@node -e 'process.exit(+(parseInt(process.versions.node) < 20))' 2>/dev/null || \
		{ echo "the CDK, which synth and the tests of infra/ use, needs Node 20 or newer: https://nodejs.org" >&2; exit 1; }
