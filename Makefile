# Two commands do all the set-up: `make demo` and `make test`. Both make the environment first.
.DELETE_ON_ERROR:
PYTHON ?= python3
BIN := .venv/bin
JOBS ?= auto
# Every branch of what decides is tested; a missed one in an approval would be a security defect.
PURE := --cov=phasegate.documents --cov=phasegate.policy --cov-branch --cov-fail-under=100 --cov-report=term:skip-covered

# GitHub's own parser and evaluator of workflow files, for the tests that run ours. Without npm those tests are skipped.
NODE_PARTS := $(if $(shell command -v npm),tests/actions/node_modules/.package-lock.json)
WORKFLOWS = $(wildcard .github/workflows/*.yml)
ACTIONS := action.yml ghes/action.yml
COMPILE := $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header --no-annotate

.PHONY: demo picture test test-real bench-setup lint types format requirements pin dist clean

# The environment: hash-pinned packages, then this checkout, editable, without asking any registry again.
$(BIN)/phasegate: requirements/dev.txt pyproject.toml
	$(PYTHON) -m venv --clear .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

tests/actions/node_modules/.package-lock.json: tests/actions/package-lock.json
	cd tests/actions && npm ci --ignore-scripts --no-audit --no-fund
	@touch $@

demo: $(BIN)/phasegate ## the whole pipeline on a sample repository: no key, no network
	$(BIN)/python demo/play.py

test: $(BIN)/phasegate $(NODE_PARTS) ## all tests but the real-repository group
	$(BIN)/python -m pytest -n $(JOBS) -m "not real" $(PURE)

test-real: $(BIN)/phasegate ## the pipeline on well-known packages, with their own tests as gates
	$(BIN)/python -m pytest -n $(JOBS) -m real

picture: $(BIN)/phasegate ## the terminal picture in the README
	$(BIN)/python demo/picture.py

bench-setup: $(BIN)/phasegate ## how long the action takes to set itself up, beside plain pip
	$(PYTHON) bench/setup.py

lint: $(BIN)/phasegate ## style, and what could be wrong with the workflows
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/zizmor --offline --no-progress --quiet --pedantic $(WORKFLOWS) $(ACTIONS)
	$(BIN)/actionlint -no-color -shellcheck= -pyflakes= $(WORKFLOWS)
	$(BIN)/check-jsonschema --quiet --builtin-schema vendor.github-workflows $(WORKFLOWS)
	$(BIN)/check-jsonschema --quiet --builtin-schema vendor.github-actions $(ACTIONS)

types: $(BIN)/phasegate ## strict types
	$(BIN)/mypy

format: $(BIN)/phasegate ## put the code into shape
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

requirements: $(BIN)/phasegate ## pin anew, with hashes and without addresses
	$(BIN)/python -m pip install --quiet uv
	$(COMPILE) pyproject.toml -o requirements/run.txt
	$(COMPILE) --extra bedrock pyproject.toml -c requirements/run.txt -o requirements/run-bedrock.txt
	$(COMPILE) --extra vertex pyproject.toml -c requirements/run.txt -o requirements/run-vertex.txt
	$(COMPILE) --group decide -c requirements/run.txt -o requirements/decide.txt
	$(COMPILE) --group setup -o requirements/setup.txt
	$(COMPILE) pyproject.toml --group dev -c requirements/run.txt -o requirements/dev.txt

pin: $(BIN)/phasegate ## let the workflow name the action at the last commit; commit what it changes
	$(BIN)/python action/pin.py

dist: $(BIN)/phasegate ## what is published, built twice: both must be the same to the byte
	rm -rf dist
	SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) $(BIN)/python -m hatchling build -d dist/again
	SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) $(BIN)/python -m hatchling build -d dist
	cd dist && for file in again/*; do cmp "$$file" "$${file#again/}" || exit 1; done && rm -r again && sha256sum *

clean: ## away with everything that was made here
	rm -rf .venv dist demo-run tests/actions/node_modules .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage*
