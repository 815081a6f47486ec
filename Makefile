# The two commands of the README: `make quickstart` and `make test`. Everything they need beyond git, make and Python >= 3.11 they install into .venv.
.DEFAULT_GOAL := help
.PHONY: help quickstart test lint bench soak docs clean

VENV := .venv
BIN := $(VENV)/bin
# The newest Python that is new enough, by what it says of itself.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

quickstart: $(VENV)/.installed ## build the example release with the embedded engine, into out/registry
	@$(BIN)/matrixbuild apply manifests/quickstart.yaml

test: $(VENV)/.installed-dev ## run the tests, with coverage
	@$(BIN)/python -m pytest -n 2 --cov --cov-report=term:skip-covered $(TESTS)

lint: $(VENV)/.installed-dev ## ruff, mypy --strict, import-linter
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

bench: $(VENV)/.installed-dev ## print speed as ratios against floors and rivals, in one run
	@for program in benchmarks/*.py; do echo "== $$program"; $(BIN)/python $$program || exit 1; done

soak: $(VENV)/.installed-dev ## the long tests in full: more examples for every law, every kill and every fault
	@MATRIXBUILD_SOAK=1 $(BIN)/python -m pytest -n 2 $(TESTS)

docs: $(VENV)/.installed-dev ## renew what is generated: the README's capture and plan
	@$(BIN)/python docs/renew.py

clean: ## remove what make made; never a lock
	rm -rf $(VENV) out .matrixbuild .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "matrixbuild needs Python 3.11 or later on PATH (Debian: apt-get install python3 python3-venv)" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "$(PYTHON) has no venv module: install it first (Debian: apt-get install python3-venv)" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

# What runs needs little, so the quickstart installs little; the tests' tools come on top.
$(VENV)/.installed: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "installing matrixbuild into $(VENV) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $@

$(VENV)/.installed-dev: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "installing matrixbuild and its test tools into $(VENV) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $(VENV)/.installed $@
