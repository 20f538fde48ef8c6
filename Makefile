PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test soak bench lint clean

demo: .venv/ready
	@$(BIN)/promptops demo

# What pytest compiles is kept, and made once instead of by every worker.
test: export PYTHONDONTWRITEBYTECODE =
test: lint
	@$(BIN)/pytest --collect-only -q >/dev/null || true
	$(BIN)/pytest -n 5 -q

soak: .venv/ready
	$(BIN)/pytest -n auto -q --soak
	$(BIN)/pytest -n 4 -q --twins

lint: .venv/ready
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/ready-bench
	$(BIN)/python -m benchmarks $(ONLY)

# PEP 735 groups need pip 25.1, newer than the one that Python 3.11 brings along.
.venv/ready: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable . --group dev
	-$(BIN)/python -m pip install --quiet --disable-pip-version-check --group integrations
	@touch $@

.venv/ready-bench: .venv/ready
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --group bench
	@touch $@

# The providers' SDKs, which weigh more than all else; without them their tests say NOT RUN.
.venv/ready-sdk: .venv/ready
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --group sdk
	@touch $@

clean:
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
