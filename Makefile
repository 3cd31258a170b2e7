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
DOCUMENTATION := $(VENV)/.documentation-installed
D4RL := $(VENV_D4RL)/.installed
CODE := platform algorithms analysis benchmarks docs tests vitamin

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help install install-dev quickstart results test coverage nightly check check-d4rl lint lint-docker lint-github format hooks bench \
	docs dist clean distclean

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

coverage: $(DEVELOPMENT) ## run the tests and tell which lines none of them reaches, but for those that run in Ray's processes
	$(BIN)/python -m pytest -n $(JOBS) --cov --cov-report=term --cov-report=html $(PYTEST_ARGS)

nightly: $(DEVELOPMENT) ## check the quickstart's claim, and that on HalfCheetah TD3+ODT leaves random data behind: twenty minutes
	$(BIN)/python -m pytest -m nightly -n 0 --capture no tests/nightly

check: lint test ## format, lint, types, import rules, image, workflows and tests (with the wheel's)

check-d4rl: $(DEVELOPMENT) $(D4RL) ## compare episodes, transitions and scores with the d4rl package: make check-d4rl FILES="a.hdf5 b.hdf5"
	$(BIN)/python -m tests.d4rl_check $(VENV_D4RL)/bin/python $(FILES)

lint: $(DEVELOPMENT) lint-docker ## all checks that run no code
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/ruff check $(CODE)
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

lint-docker: $(DEVELOPMENT) ## check the image's recipe
	$(BIN)/hadolint docker/Dockerfile

lint-github: $(DEVELOPMENT) ## check .github: GitHub's schemas, the workflows' security, the targets that they name
	$(BIN)/python -m pytest -n 0 --quiet tests/house/test_github.py

format: $(DEVELOPMENT) ## format the code and mend what can be mended
	$(BIN)/ruff check --fix $(CODE)
	$(BIN)/ruff format $(CODE)

hooks: $(DEVELOPMENT) ## let git commit check what it commits, with the tools in .venv
	$(BIN)/pre-commit install --config .github/pre-commit-config.yaml

bench: $(DEVELOPMENT) ## measure updates, sampling, rollouts, checkpoints
	$(BIN)/python -m benchmarks

docs: $(DOCUMENTATION) ## build the documentation's pages to build/site; every link is checked
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet --config-file docs/site/mkdocs.yml

dist: $(DEVELOPMENT) ## build wheel and source distribution to dist/
	$(BIN)/python -m build --outdir dist

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

# The pages are made of sources: neither torch nor Vitamin has to be installed.
$(DOCUMENTATION): constraints.txt | $(BIN)/python
	$(PIP_INSTALL) mkdocs mkdocs-material "mkdocstrings[python]" ruff
	@touch $@
