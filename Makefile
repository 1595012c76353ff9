# HarborGrid: `make up` runs the platform, `make test` proves it.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
# Who sets it has every process compile all that it loads, each time: twice the time to start, and half of the tests'.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: up test check bench soak docs lock clean

up: $(STAMP) ## Start the whole platform on this machine
	@$(BIN)/harborgrid up

test: $(STAMP)-dev ## Every test, in parallel
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder

check: $(STAMP)-dev ## Lint, types, import contracts and the fast tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy .
	$(BIN)/lint-imports
	$(BIN)/pytest -q -n 2 tests/unit tests/architecture tests/contracts

bench: $(STAMP)-dev ## Benchmarks: ratios against a baseline in the same run; writes docs/performance.md
	PYTHONPATH=tests $(BIN)/python -m performance

soak: $(STAMP)-dev ## The long one: kills and restarts everything, over and over
	HARBORGRID_SOAK=5 $(BIN)/pytest -v tests/e2e/test_chaos.py

docs: $(STAMP)-dev ## Write the generated documents
	$(BIN)/harborgrid docs

lock: ## Pin every dependency with hashes
	$(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" -q -o requirements.lock
	$(BIN)/uv pip compile pyproject.toml --extra dev -c requirements.lock --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" -q \
		-o requirements-dev.lock

clean: ## Remove the environment; data in .harborgrid stays
	rm -rf .venv build *.egg-info

$(STAMP): requirements.lock requirements-setup.lock pyproject.toml
	@$(PYTHON) scripts/install.py requirements.lock
	@touch $@

$(STAMP)-dev: requirements-dev.lock requirements-setup.lock pyproject.toml
	@$(PYTHON) scripts/install.py requirements-dev.lock
	@touch $@ $(STAMP)
