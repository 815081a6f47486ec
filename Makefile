# The two commands of the README: `make quickstart` and `make test`. Everything they need beyond git, make and Python >= 3.11 they install into .venv.
.DEFAULT_GOAL := help
.PHONY: help quickstart test lint bench soak docs clean

VENV := .venv
BIN := $(VENV)/bin
# The newest Python that is new enough, by what it says of itself; one that can make a virtual environment before one that cannot.
PYTHON ?= $(shell for needs in sys,venv,ensurepip sys; do for p in python3.13 python3.12 python3.11 python3 python; do \
	$$p -c "import $$needs; sys.exit(sys.version_info < (3, 11))" 2>/dev/null && { echo $$p; exit; }; done; done)
# The program that builds the package comes from constraints.txt as well: in an environment of pip's own making it would be any version.
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

quickstart: $(VENV)/.installed ## build the example release with the embedded engine, into out/registry
	@$(BIN)/matrixbuild apply manifests/quickstart.yaml

# Coverage is of all tests or of none: a part of them cannot reach the floor.
test: $(VENV)/.installed-dev ## run the tests, with coverage; TESTS=tests/core runs a part, without
	@$(BIN)/python -m pytest -n 2 --dist worksteal $(if $(TESTS),$(TESTS),--cov --cov-report=term:skip-covered)

lint: $(VENV)/.installed-dev ## ruff, mypy --strict, import-linter
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

bench: $(VENV)/.installed-dev ## print speed as ratios against floors and rivals, in one run
	@missed=0; for program in benchmarks/*.py; do echo "== $$program"; $(BIN)/python $$program || missed=1; done; exit $$missed

soak: $(VENV)/.installed-dev ## the long tests in full: many more examples of every law
	@MATRIXBUILD_SOAK=1 $(BIN)/python -m pytest -n 2 --dist worksteal $(TESTS)

docs: $(VENV)/.installed-dev ## renew what is generated: the README's capture and plan, the references
	@$(BIN)/python -m docs.renew

clean: ## remove what make made; never a lock
	rm -rf $(VENV) out .matrixbuild .import_linter_cache .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "matrixbuild needs Python 3.11 or later on PATH (Debian: apt-get install python3 python3-venv)" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(PYTHON) is not Python 3.11 or later" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "$(PYTHON) cannot make a virtual environment: install its venv module (Debian: apt-get install python3-venv)" >&2; exit 1; }
	@$(PYTHON) -m venv --clear $(VENV) || { rm -rf $(VENV); exit 1; }

# What runs needs little, so the quickstart installs little; the tests' tools come on top.
$(VENV)/.installed: pyproject.toml constraints.txt $(VENV)/bin/python
	@echo "installing matrixbuild into $(VENV) ..."
	@$(INSTALL) hatchling editables
	@$(INSTALL) --no-build-isolation -e .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	@echo "installing the test tools into $(VENV) ..."
	@$(INSTALL) --no-build-isolation -e '.[dev]'
	@touch $@
