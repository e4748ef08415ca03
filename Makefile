# Two commands do all the set-up: `make demo` and `make test`. Both make the environment first.
.DELETE_ON_ERROR:
PYTHON ?= python3
BIN := .venv/bin
JOBS ?= auto
# Every branch of what decides is tested; a missed one in an approval would be a security defect.
PURE := --cov=phasegate.documents --cov=phasegate.policy --cov-branch --cov-fail-under=100 --cov-report=term:skip-covered

.PHONY: demo picture test test-real lint types format requirements clean

# The environment: hash-pinned packages, then this checkout, editable, without asking any registry again.
$(BIN)/phasegate: requirements/dev.txt pyproject.toml
	$(PYTHON) -m venv --clear .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: $(BIN)/phasegate ## the whole pipeline on a sample repository: no key, no network
	$(BIN)/python demo/play.py

test: $(BIN)/phasegate ## all tests but the real-repository group
	$(BIN)/python -m pytest -n $(JOBS) -m "not real" $(PURE)

test-real: $(BIN)/phasegate ## the pipeline on well-known packages, with their own tests as gates
	$(BIN)/python -m pytest -n $(JOBS) -m real

picture: $(BIN)/phasegate ## the terminal picture in the README
	$(BIN)/python demo/picture.py

lint: $(BIN)/phasegate ## style
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(BIN)/phasegate ## strict types
	$(BIN)/mypy

format: $(BIN)/phasegate ## put the code into shape
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

requirements: $(BIN)/phasegate ## pin anew, with hashes and without addresses
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header --no-annotate pyproject.toml -o requirements/run.txt
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header --no-annotate pyproject.toml --group dev -c requirements/run.txt -o requirements/dev.txt

clean: ## away with everything that was made here
	rm -rf .venv dist demo-run .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage*
