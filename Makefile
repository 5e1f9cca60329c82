# Every target sets up what it needs, in .venv/ of this tree. You need Python 3.11+ and make.
# `test`, `check`, `synth`, `e2e`, `bench` and `bench-load` also need Node 20+: for the CDK, and for apps in TypeScript.

PYTHON  ?= python3
WORKERS ?= auto
ARGS    ?=
ONLY    ?=
SEED    ?=

VENV  := .venv
BIN   := $(VENV)/bin
READY := $(VENV)/.ready
CLOUD := .venv-e2e/.ready
PAGES := .venv-docs/.ready
MUTATE := .venv-mutants/.ready
INSPECT := .venv-inspection/.ready
PEERS := .venv-peers/.ready
APPS := .venv-apps/.ready
NPM := tests/functional/remote/node
NODE_APPS := $(NPM)/node_modules/.ready

# Python keeps its compiled files, even where the environment forbids it: the tests start Python some hundred times.
export PYTHONDONTWRITEBYTECODE :=

# The CDK runs on Node 20, but warns at every start that this version is old.
export JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION := 20

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup demo test coverage check mutants e2e acceptance fuzz synth bench bench-log bench-matching bench-load bench-steps bench-cost bench-dev bench-peers docs \
	dist lock clean format node apps inspect sbom audit screenshots

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(READY) ## create .venv from requirements.lock (the other targets do this by themselves)

demo: $(READY) ## show runs that wait and resume, in an embedded cloud (EVENTS=FILE sends your own events)
	@$(BIN)/tarry demo $(if $(EVENTS),--events "$(EVENTS)")

test: $(READY) node apps ## run every test (ARGS="tests/unit -k key" runs some of them, SEED=7 shuffles them)
	@$(BIN)/python -m pytest -n $(WORKERS) $(if $(SEED),-p randomly --randomly-seed=$(SEED)) $(ARGS)

coverage: $(READY) node apps ## run every test, and fail below the floor of branch coverage (takes more than half as long again)
	@rm -rf .cache/coverage && mkdir -p .cache/coverage
	@$(BIN)/python -m coverage run -m pytest -n $(WORKERS) $(ARGS)
	@$(BIN)/python -m coverage combine --quiet
	@$(BIN)/python -m coverage report

mutants: $(MUTATE) ## change _cel/, matching/ and replay/ to see whether a test notices (ONLY=keys for one module; hours for all)
	@$(dir $(MUTATE))bin/python tests/mutants $(ONLY)

check: $(READY) ## run what CI runs: format, lint, types, template, tests
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	@$(MAKE) --no-print-directory inspect
	@$(MAKE) --no-print-directory test

# W3005: the CDK names a dependency that a reference implies, too.
inspect: $(READY) $(INSPECT) node ## check two synthesised stacks: resources, their properties, and each action of IAM policies (offline)
	@rm -rf .cache/template
	@PYTHONPATH=. $(BIN)/python tests/inspection/stacks.py .cache/template
	@$(dir $(INSPECT))bin/cfn-lint --ignore-checks W3005 --regions us-east-1 eu-west-1 -- .cache/template/*.template.json

sbom: $(READY) $(INSPECT) ## write bills of materials (CycloneDX) from the lock files, to dist/
	@mkdir -p dist
	@$(dir $(INSPECT))bin/cyclonedx-py requirements functions/requirements.lock --pyproject pyproject.toml \
		--output-reproducible --of JSON -o dist/tarry-lambdas.cdx.json 2>/dev/null
	@$(dir $(INSPECT))bin/cyclonedx-py requirements requirements.lock --pyproject pyproject.toml \
		--output-reproducible --of JSON -o dist/tarry.cdx.json 2>/dev/null
	@echo "Bills of materials: dist/tarry-lambdas.cdx.json (what runs in Lambda), dist/tarry.cdx.json (all)"

audit: $(READY) $(INSPECT) ## look the locked packages up for known vulnerabilities (asks the network)
	@PYTHONPATH=. $(BIN)/python tests/inspection/audit.py $(dir $(INSPECT))bin/pip-audit \
		functions/requirements.lock requirements.lock

e2e: $(READY) $(CLOUD) node $(NODE_APPS) ## deploy to MiniStack, an AWS emulator on localhost, and test it from outside (takes minutes)
	@$(BIN)/python -m pytest tests/e2e $(ARGS)

acceptance: $(READY) $(CLOUD) node $(NODE_APPS) ## prove Tarry on your AWS account, and clean up (STACK=name; YES=1 asks nothing, KEEP=1 keeps the stack)
	@test -n "$(STACK)" || { echo "name the stack to deploy and to delete again: make acceptance STACK=tarry-trial" >&2; exit 2; }
	@$(BIN)/python -m tests.e2e.acceptance $(if $(filter 1,$(YES)),--yes) $(if $(filter 1,$(KEEP)),--keep) $(if $(filter 1,$(CLEAN)),--clean) "$(STACK)" $(if $(ARGS),-- $(ARGS))

fuzz: $(READY) ## give odd input to each entry for ten minutes, and at least 100,000 times (SECONDS=60 INPUTS=0 ONLY=events)
	@$(BIN)/python -m tests.fuzz $(if $(SECONDS),--seconds $(SECONDS)) $(if $(INPUTS),--inputs $(INPUTS)) $(ONLY)

synth: $(READY) node ## write the CloudFormation template to cdk.out/
	@rm -rf cdk.out
	@CDK_OUTDIR=cdk.out $(BIN)/python -m tarry_infra.app
	@echo "The template:" cdk.out/*.template.json

bench: $(READY) node $(NODE_APPS) ## run the benchmarks (ARGS=--list names them)
	@$(BIN)/python -m benchmarks $(ARGS)

bench-matching: $(READY) ## measure matching at growing numbers of waits, on DynamoDB Local: needs Java 11+ (JSON=FILE SIZES=100,10000)
	@$(BIN)/python -m benchmarks.matching $(if $(JSON),--json "$(JSON)") $(if $(SIZES),--sizes "$(SIZES)") $(ARGS)

bench-log: $(READY) ## measure a look into the log, by name and by key, on DynamoDB Local: needs Java 11+
	@$(BIN)/python -m benchmarks.matching.busy_log

bench-load: $(READY) $(CLOUD) node ## measure the time from event to resume under load: needs Java 11+, takes a quarter of an hour (JSON=FILE)
	@$(BIN)/python -m benchmarks.load $(if $(JSON),--json "$(JSON)") $(ARGS)

bench-steps: $(READY) ## measure what a step and a replay cost, on DynamoDB Local: needs Java 11+ (JSON=FILE SIZES=10,100)
	@$(BIN)/python -m benchmarks.steps $(if $(JSON),--json "$(JSON)") $(if $(SIZES),--sizes "$(SIZES)") $(ARGS)

bench-cost: $(READY) ## measure what each row of docs/cost.md takes of a Lambda's time, on DynamoDB Local: needs Java 11+ (JSON=FILE)
	@$(BIN)/python -m benchmarks.cost $(if $(JSON),--json "$(JSON)") $(ARGS)

bench-dev: $(READY) ## measure tarry dev with many open waits, on moto: takes a quarter of an hour (JSON=FILE SIZES=100,1000)
	@$(BIN)/python -m benchmarks.dev $(if $(JSON),--json "$(JSON)") $(if $(SIZES),--sizes "$(SIZES)") $(ARGS)

bench-peers: $(READY) $(PEERS) ## measure Tarry beside AWS's durable execution SDK, in turns: needs Java 11+ (JSON=FILE ARGS="--rounds 9")
	@$(BIN)/python -m benchmarks.peers $(if $(JSON),--json "$(JSON)") $(ARGS)

# Without --quiet: it hides warnings, and then --strict does not fail on a broken link.
docs: $(PAGES) ## build the documentation's site in dist/docs/; a broken link is an error
	@NO_MKDOCS_2_WARNING=1 $(dir $(PAGES))bin/mkdocs build --strict $(ARGS)
	@echo "The site: dist/docs/index.html"

screenshots: $(READY) ## take the pictures of the console in docs/console/ (needs Chromium)
	@$(BIN)/python -m tests.screenshots
	@echo "The pictures:" docs/console/*.png

dist: $(READY) ## build the wheel and the sdist in dist/, and check files, metadata and an install
	@rm -f dist/*.whl dist/*.tar.gz
	@$(BIN)/uv build --quiet --offline --no-build-isolation --python $(BIN)/python --out-dir dist
	@$(BIN)/python -m pytest --quiet --no-header tests/release $(ARGS)
	@echo "Built and checked:" dist/*.whl dist/*.tar.gz

format: $(READY) ## format the code, and fix what ruff can fix
	@$(BIN)/ruff check --fix --exit-zero --quiet
	@$(BIN)/ruff format

LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-header --no-emit-index-url $(if $(UPGRADE),--upgrade)

lock: $(READY) ## update the lock files after a change in pyproject.toml (UPGRADE=1 takes the newest versions)
	$(LOCK) pyproject.toml --all-extras --group dev --output-file requirements.lock
	$(LOCK) pyproject.toml --constraints requirements.lock --output-file functions/requirements.lock
	$(LOCK) --group e2e --output-file tests/e2e/requirements.lock
	$(LOCK) --group docs --output-file docs/requirements.lock
	$(LOCK) pyproject.toml --group mutants --constraints requirements.lock --output-file tests/mutants/requirements.lock
	$(LOCK) --group inspection --output-file tests/inspection/requirements.lock
	$(LOCK) --group apps --output-file $(NPM)/../requirements.lock
	cd $(NPM) && npm install --package-lock-only --omit-lockfile-registry-resolved --ignore-scripts --no-audit --no-fund
	$(LOCK) --group peers --constraints requirements.lock --output-file benchmarks/peers/requirements.lock

clean: ## remove everything that these targets created
	rm -rf $(VENV) .venv-docs .venv-e2e .venv-mutants .venv-inspection .venv-peers .venv-apps $(NPM)/node_modules .cache cdk.out dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# uv (itself pinned and hash-checked) installs in seconds what takes pip a minute. uv does not read pip's
# settings. If only those settings name an index, pip installs the packages instead.
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

$(CLOUD): tests/e2e/requirements.lock
$(PAGES): docs/requirements.lock
$(MUTATE): tests/mutants/requirements.lock
$(INSPECT): tests/inspection/requirements.lock
$(PEERS): benchmarks/peers/requirements.lock
$(APPS): tests/functional/remote/requirements.lock
$(CLOUD) $(PAGES) $(MUTATE) $(INSPECT) $(PEERS) $(APPS): $(READY)
	@echo "Setting up $(@D)/ from $(filter %.lock,$^) ..."
	@$(BIN)/python -m venv --clear $(@D)
	@$(BIN)/uv pip install --quiet --python $(@D)/bin/python --require-hashes -r $(filter %.lock,$^) || \
		$(@D)/bin/python -m pip install -qq --disable-pip-version-check --require-hashes -r $(filter %.lock,$^) || \
		{ echo "$(@D)/ cannot have what $(filter %.lock,$^) pins: does uv or pip reach a package index with it?" >&2; exit 1; }
	@touch $@

# Apps by official Inngest SDKs, which the tests of remote functions run as they are.
apps: $(APPS) $(NODE_APPS)

$(NODE_APPS): $(NPM)/package-lock.json
	@echo "Setting up $(@D)/ from $< ..."
	@cd $(NPM) && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

node:
	@node -e 'process.exit(+(parseInt(process.versions.node) < 20))' 2>/dev/null || \
		{ echo "the CDK, which synth and the tests of infra/ use, needs Node 20 or newer: https://nodejs.org" >&2; exit 1; }
