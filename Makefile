# What there is to do here. Every target sets up what it needs: Python >= 3.11 and make are enough.
#
#   make demo           see it: records a notebook, a terminal program and a chat, and opens the replay in JupyterLab
#   make demo CHECK=1   the same without staying open; fails unless recording and replay are right
#   make test           all that CI runs: style, types, unit, crash and browser tests
#   make lint           style and types alone
#   make prove          the full size of the crash, attack and fuzzing tests: under an hour, can be taken up again
#   make coverage       which branches of the package the tests take
#   make bench          figures, with the floor beside them
#   make clean          remove what was built

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
CHECK ?=
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check
READY := $(VENV)/.ready
TEST_READY := $(VENV)/.ready-to-test
SERVERS := tests/server tests/contract
CLIENTS := tests/client tests/proxy tests/llm
HURT := tests/crash tests/kernel
# The browser tests of what is recorded meanwhile: about half. A third process beside these two only takes their time.
LIVE := $(wildcard tests/browser/test_panel*.py) $(addprefix tests/browser/test_,recording_from_lab.py widget.py chat.py live.py link.py)
BESIDE := $(BIN)/python tests/beside.py
# A minute of waiting, with time for others: what it counts is its own process' time.
IDLE := tests/benchmarks/test_cost.py::test_an_idle_recording_costs_a_thousandth_of_a_core
SOURCES := $(shell find labextension/src labextension/scripts labextension/style labextension/schema -type f -not -path '*/generated/*' 2>/dev/null)
export PATH := $(abspath $(BIN)):$(PATH)
export PYTHONUNBUFFERED := 1

.PHONY: demo test lint unit shells browser prove bench coverage player-test chromium setup clean help
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
	@rm -rf $(VENV)/beside
	@$(PIP_INSTALL) -c constraints.txt --no-deps --target $(VENV)/beside --group beside
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
	@echo "== unit, property and notebook tests; beside them, those of crashes and kernels, of servers, and of clients"
	@$(BESIDE) 'tests $(addprefix --ignore ,$(SERVERS) $(CLIENTS) $(HURT) tests/browser tests/benchmarks)' '$(HURT)' '$(SERVERS)' '$(CLIENTS) $(IDLE)'

player-test: setup
	@echo "== the player's own tests"
	@cd labextension && jlpm install --immutable >/dev/null && jlpm check && jlpm test

chromium: setup
	@$(BIN)/python tests/browser/chromium.py

browser: setup chromium
	@echo "== browser tests: a real JupyterLab in Chromium"
	@$(BESIDE) 'tests/browser -m "not quiet" $(addprefix --ignore ,$(LIVE))' '$(LIVE) -m "not quiet"'
	@echo "== how smoothly it goes"
	@$(BIN)/python -m pytest tests/browser -m quiet

# Coverage-guided fuzzing where atheris is to be had for this Python; else the corpus is changed at random.
prove: setup
	@echo "== the full size; what has passed is kept in .prove and skipped the next time (ARGS=--fresh begins anew)"
	@$(PIP_INSTALL) -c constraints.txt --group fuzz || echo "going on without atheris"
	@$(BIN)/python tests/prove.py $(ARGS)

# The browser's side has its own tests; what needs a browser in Python is not shipped.
coverage: setup shells
	@echo "== which branches the tests take"
	@$(PIP_INSTALL) -c constraints.txt --group coverage
	@rm -rf .coverage && mkdir .coverage
	@$(BIN)/python -m coverage run -m pytest -q $(SERVERS) $(CLIENTS) || true
	@$(BIN)/python -m coverage run -m pytest -q tests $(addprefix --ignore ,$(SERVERS) $(CLIENTS) tests/browser tests/benchmarks) || true
	@$(BIN)/python -m coverage combine -q
	@$(BIN)/python -m coverage report --fail-under 95
	@$(BIN)/python -m coverage json -q -o .coverage/report.json
	@$(BIN)/python tests/branches.py .coverage/report.json

bench: setup chromium
	@echo "== benchmarks"
	@$(PIP_INSTALL) -c constraints.txt --group bench
	@$(BIN)/python -m pytest tests/benchmarks -s
	@$(BIN)/python tests/benchmarks/bench.py $(ARGS)

test: lint unit player-test browser
	@echo "== what recording costs"
	@$(BIN)/python -m pytest tests/benchmarks $(addprefix --deselect ,$(IDLE))
	@echo "all tests passed"

clean:
	rm -rf $(VENV) build dist .demo .prove .bench .coverage jupyter_recorder/_labextension jupyter_recorder/replay/static
	rm -rf labextension/node_modules labextension/lib labextension/src/generated
