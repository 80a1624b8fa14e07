# trackside: `make serve` runs it, `make test` proves it. Both install what they need into .venv.

BIN := .venv/bin
RUNTIME := .venv/.runtime-installed
DEV := .venv/.dev-installed
FRONTEND := client-examples/frontend
PACKAGES := $(FRONTEND)/node_modules/.installed
PIP_INSTALL := $(BIN)/python -m pip install -qq --disable-pip-version-check --no-input

# Passed on: `make test ARGS="tests/store -k merge"`, `make lock ARGS=--upgrade`.
ARGS ?=
# How many tests run side by side; each worker starts its own PostgreSQL and Valkey.
WORKERS ?= 2

.PHONY: help install install-dev serve test check format schema bench lock programs packages clean
.DEFAULT_GOAL := help

help:
	@echo "make serve    the server on http://127.0.0.1:8000, with sample data and live traffic"
	@echo "make test     every test, on SQLite, PostgreSQL, Valkey and Chromium"
	@echo "make check    the linters, the types, the layers and the committed schema"
	@echo "make format   put the code in its canonical form"
	@echo "make schema   print the schema into schema/schema.graphql"
	@echo "make bench    the benchmarks"
	@echo "make install  install only"
	@echo "make lock     make the hashed locks in requirements/ again"
	@echo "make clean    remove .venv and every cache"

install: $(RUNTIME)

install-dev: $(DEV)

serve: $(RUNTIME)
	@exec $(BIN)/trackside demo $(ARGS)

test: $(DEV) programs packages
	$(BIN)/python -m pytest -n $(WORKERS) $(ARGS)

check: $(DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@$(BIN)/trackside schema | diff -u schema/schema.graphql - || \
		{ echo "schema/schema.graphql is not what the code says: run make schema, read the diff."; exit 1; }

format: $(DEV)
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

schema: $(RUNTIME)
	$(BIN)/trackside schema > .venv/schema.graphql
	mv .venv/schema.graphql schema/schema.graphql

bench: $(DEV)
	$(BIN)/python -m benchmarks $(ARGS)

lock:
	@test -x $(BIN)/uv || $(MAKE) --no-print-directory install-dev
	@cd requirements && for name in runtime dev; do \
		../$(BIN)/uv pip compile --quiet $$name.in --output-file $$name.txt \
			--universal --python-version 3.11 --generate-hashes \
			--no-emit-index-url --no-emit-find-links \
			--custom-compile-command "make lock" $(ARGS) || exit 1; \
	done

# A browser, what the curl examples stand on, and what installs the packages of the frontend's.
programs:
	@missing=; \
	for one in chromium curl npm openssl; do \
		command -v $$one >/dev/null || missing="$$missing $$one"; \
	done; \
	test -z "$$missing" || \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "Installing$$missing for the tests"; \
		export DEBIAN_FRONTEND=noninteractive; \
		install="apt-get install --yes --no-install-recommends$$missing fonts-liberation"; \
		$$install >.venv/programs.log 2>&1 || \
		{ apt-get update && $$install; } >>.venv/programs.log 2>&1 || \
		{ tail -n 5 .venv/programs.log; echo "They could not be installed: see .venv/programs.log"; exit 1; }; \
	else \
		echo "The tests need$$missing: apt-get install$$missing, as root."; exit 1; \
	fi

packages: $(PACKAGES)

# npm ci keeps to the lock, and runs no script of a package.
$(PACKAGES): $(FRONTEND)/package-lock.json | programs
	@echo "Installing the packages of $(FRONTEND)"
	@npm ci --prefix $(FRONTEND) --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null
	@touch $@

clean:
	rm -rf .venv $(FRONTEND)/node_modules benchmarks/node/node_modules build *.egg-info .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -not -path '*/node_modules/*' -exec rm -rf {} +

$(BIN)/python:
	@for python in python3.11 python3.12 python3; do \
		$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && break; \
		python=; \
	done; \
	test -n "$$python" || { echo "trackside needs Python 3.11 or later."; exit 1; }; \
	$$python -m venv .venv || \
		{ rm -rf .venv; echo "Python's venv is missing: apt-get install python3-venv, as root."; exit 1; }

# The project itself needs no index: setuptools is in the lock.
$(RUNTIME): requirements/runtime.txt pyproject.toml | $(BIN)/python
	@echo "Installing trackside"
	@$(PIP_INSTALL) --require-hashes -r requirements/runtime.txt
	@$(PIP_INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

# dev.txt holds all of runtime.txt.
$(DEV): requirements/dev.txt pyproject.toml | $(BIN)/python
	@echo "Installing trackside, its tests and linters"
	@$(PIP_INSTALL) --require-hashes -r requirements/dev.txt
	@$(PIP_INSTALL) --no-deps --no-build-isolation --editable .
	@touch $(RUNTIME) $@
