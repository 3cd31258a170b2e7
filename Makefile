# Needs Python 3.11 or newer and a package index, nothing else. `make` lists the targets.

# The interpreter that creates the environment, and where the environment lies.
PYTHON ?= python3
VENV ?= .venv
# A second package index for torch, for a build that fits the machine. By default pip takes the one for CUDA on Linux; for CPUs only:
#   make install TORCH_INDEX=https://download.pytorch.org/whl/cpu
TORCH_INDEX ?=
# The d4rl package needs gym and an old numpy: it gets an environment of its own. FILES are data files to compare; by default some
# are made.
VENV_D4RL ?= .venv-d4rl
FILES ?=
# Pages with blocks that `vitamin embed` fills.
RESULT_PAGES := README.md docs/results.md
# Test processes, and further arguments of pytest: make test PYTEST_ARGS="tests/algorithms -x"
JOBS ?= 2
PYTEST_ARGS ?=

BIN := $(VENV)/bin
PIP_INSTALL = $(BIN)/python -m pip install --disable-pip-version-check --constraint constraints.txt
RUNTIME := $(VENV)/.runtime-installed
DEVELOPMENT := $(VENV)/.development-installed
D4RL := $(VENV_D4RL)/.installed
CODE := platform algorithms analysis benchmarks docs/examples tests vitamin

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help install install-dev quickstart results test nightly check check-d4rl lint lint-docker format bench clean distclean

help: ## list the targets
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/\1|\2/p' Makefile | awk -F '|' '{ printf "  make %-12s %s\n", $$1, $$2 }'

install: $(RUNTIME) ## create the environment with Vitamin in it
install-dev: $(DEVELOPMENT) ## the same with the tools for tests and checks

quickstart: $(RUNTIME) results/pendulum-random.hdf5 ## install, then TD3+ODT against ODT on data made here, ending with a report
	$(BIN)/vitamin sweep tune_specs/quickstart.yaml --out results/quickstart --resume
	$(BIN)/vitamin report results/quickstart

results/pendulum-random.hdf5: | $(RUNTIME)
	$(BIN)/vitamin data collect Pendulum-v1 --policy random --steps 10000 --out $@

results: $(RUNTIME) ## fill the tables, verdicts and pictures of pages from docs/results
	$(BIN)/vitamin embed $(RESULT_PAGES)

test: $(DEVELOPMENT) ## install, then run the tests
	$(BIN)/python -m pytest -n $(JOBS) $(PYTEST_ARGS)

nightly: $(DEVELOPMENT) ## check that TD3+ODT leaves HalfCheetah's random data behind and ODT does not: a quarter of an hour
	$(BIN)/python -m pytest -m nightly -n 0 --capture no tests/nightly

check: lint test ## format, lint, types, import rules, image and tests (with the wheel's)

check-d4rl: $(DEVELOPMENT) $(D4RL) ## compare episodes, transitions and scores with the d4rl package: make check-d4rl FILES="a.hdf5 b.hdf5"
	$(BIN)/python -m tests.d4rl_check $(VENV_D4RL)/bin/python $(FILES)

lint: $(DEVELOPMENT) lint-docker ## all checks that run no code
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/ruff check $(CODE)
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

lint-docker: $(DEVELOPMENT) ## check the image's recipe
	$(BIN)/hadolint docker/Dockerfile

format: $(DEVELOPMENT) ## format the code and mend what can be mended
	$(BIN)/ruff check --fix $(CODE)
	$(BIN)/ruff format $(CODE)

bench: $(DEVELOPMENT) ## measure updates, sampling, rollouts, checkpoints
	$(BIN)/python -m benchmarks

clean: ## remove builds and caches
	rm -rf build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache
	find algorithms analysis benchmarks platform tests vitamin -name __pycache__ -type d -prune -exec rm -rf {} +

distclean: clean ## the same, and the environments
	rm -rf $(VENV) $(VENV_D4RL)

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Vitamin needs Python 3.11 or newer, and $(PYTHON) is %d.%d. Try: make PYTHON=python3.11 $(MAKECMDGOALS)" % sys.version_info[:2])'
	$(PYTHON) -m venv $(VENV)

# torch comes first and alone: nothing else may pull in another build of it.
$(RUNTIME): pyproject.toml constraints.txt | $(BIN)/python
	$(PIP_INSTALL) $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX)) torch
	$(PIP_INSTALL) --editable .
	@touch $@

$(D4RL): tests/d4rl_check/requirements.txt
	$(PYTHON) -m venv $(VENV_D4RL)
	$(VENV_D4RL)/bin/python -m pip install --disable-pip-version-check --requirement $<
	$(VENV_D4RL)/bin/python -m pip install --disable-pip-version-check --no-deps d4rl==1.1
	@touch $@

$(DEVELOPMENT): $(RUNTIME)
	$(PIP_INSTALL) --editable ".[dev]"
	@touch $@
