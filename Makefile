# What there is to do here. Every target sets up what it needs: Python >= 3.11 and make are enough.
#
#   make demo           see it: records a notebook, a terminal program and a chat, and opens the replay in JupyterLab
#   make demo CHECK=1   the same without staying open; fails unless recording and replay are right
#   make test           all that CI runs: style, types, unit, crash and browser tests
#   make lint           style and types alone
#   make bench          figures, with the floor beside them
#   make clean          remove what was built

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
CHECK ?=
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check
READY := $(VENV)/.ready
TEST_READY := $(VENV)/.ready-to-test
SOURCES := $(shell find labextension/src labextension/scripts -type f -not -path '*/generated/*' 2>/dev/null)
export PATH := $(abspath $(BIN)):$(PATH)
export PYTHONUNBUFFERED := 1

.PHONY: demo test lint unit shells browser bench player-test chromium setup clean help
.DEFAULT_GOAL := help

help:
	@sed -n 's/^#   //p' Makefile

setup: $(TEST_READY)

$(VENV)/bin/python:
	@echo "== making a virtual environment in $(VENV)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "jupyter-recorder needs Python 3.11 or newer; PYTHON=… chooses one"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); sh tests/apt_install.sh python3-venv && $(PYTHON) -m venv $(VENV); }

$(READY): $(VENV)/bin/python pyproject.toml constraints.txt labextension/package.json labextension/yarn.lock $(SOURCES)
	@echo "== installing jupyter-recorder and what it stands on (builds the browser part; Node comes along)"
	@$(PIP_INSTALL) --upgrade 'pip>=25.3'
	@rm -rf jupyter_recorder/_labextension jupyter_recorder/replay/static
	@PIP_BUILD_CONSTRAINT=constraints.txt $(PIP_INSTALL) -c constraints.txt -e '.[demo]'
	@touch $(READY)

$(TEST_READY): $(READY)
	@echo "== installing what the tests stand on"
	@$(PIP_INSTALL) -c constraints.txt --group test
	@touch $(TEST_READY)

demo: $(READY)
	@$(BIN)/python notebooks/demo.py $(if $(CHECK),--check)

lint: setup
	@echo "== style and types"
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

shells:
	@command -v zsh >/dev/null && command -v fish >/dev/null || sh tests/apt_install.sh zsh fish || echo "== going on without: their tests are skipped"

unit: setup shells
	@echo "== unit, property, crash and notebook tests"
	@$(BIN)/python -m pytest tests --ignore tests/browser --ignore tests/benchmarks

player-test: setup
	@echo "== the player's own tests"
	@cd labextension && jlpm install --immutable >/dev/null && jlpm check && jlpm test

chromium: setup
	@$(BIN)/python tests/browser/chromium.py

browser: setup chromium
	@echo "== browser tests: a real JupyterLab in Chromium"
	@$(BIN)/python -m pytest tests/browser

bench: setup
	@echo "== benchmarks"
	@$(BIN)/python -m pytest tests/benchmarks -s

test: lint unit player-test browser
	@echo "== what recording costs"
	@$(BIN)/python -m pytest tests/benchmarks
	@echo "all tests passed"

clean:
	rm -rf $(VENV) build dist .demo jupyter_recorder/_labextension jupyter_recorder/replay/static
	rm -rf labextension/node_modules labextension/lib labextension/src/generated
