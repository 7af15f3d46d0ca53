# Each target does its own set-up; a second call does not reinstall.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SOURCES := src plugins/accredible/src plugins/credly/src plugins/sandbox/src
STAMP := $(VENV)/.installed
DOCS_STAMP := $(VENV)/.docs-installed

.PHONY: demo test lint types unit bench docs clean

demo: $(STAMP)
	@$(BIN)/connectctl demo

test: lint types unit

lint: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(STAMP)
	$(BIN)/mypy $(SOURCES)

unit: $(STAMP)
	$(BIN)/pytest -q -n 2 --dist worksteal

bench: $(STAMP)
	$(BIN)/python -m bench

docs: $(DOCS_STAMP)
	$(BIN)/python docs/generate.py
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo "Open build/docs/index.html"

PLUGINS := accredible credly sandbox

$(STAMP): pyproject.toml $(PLUGINS:%=plugins/%/pyproject.toml)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --group dev -e . $(PLUGINS:%=-e plugins/%)
	@touch $@

# A stamp of its own: `make test` never installs what only the documentation needs.
$(DOCS_STAMP): $(STAMP)
	$(BIN)/python -m pip install --quiet --group docs
	@touch $@

clean:
	rm -rf $(VENV) .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis
