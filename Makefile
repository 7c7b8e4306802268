# One way to do things, the same here and in CI. `make` alone lists the targets.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
WORKERS ?= $(shell nproc 2>/dev/null || echo 2)

# What is run by hand and is no measurement of speed.
TRUTH := benchmarks/truth.py benchmarks/judge_pairs.py benchmarks/bounds.py

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "error: Python 3.11 or newer is needed; $(PYTHON) is $$($(PYTHON) -V). Try: make PYTHON=python3.11 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)

# What `lavida-gen build` needs; no torch.
$(VENV)/.base: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) install -c constraints.txt -e .
	@touch $@

# Everything, torch of the pinned version first: left to itself pip may take another one.
$(VENV)/.dev: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) install -c constraints.txt torch
	$(PIP) install -c constraints.txt -e '.[dev]'
	@touch $@ $(VENV)/.base $(VENV)/.bench

# The model and `lavida-bench` beside it, without what only developers need.
$(VENV)/.bench: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) install -c constraints.txt torch
	$(PIP) install -c constraints.txt -e '.[bench,augment]'
	@touch $@ $(VENV)/.base

setup: $(VENV)/.dev  ## make .venv with everything in it

demo: $(VENV)/.bench  ## build a corpus, fit the tiny model on it, score it on drawn videos, write preview and report
	$(BIN)/lavida-gen build --recipe demo --out demo/corpus
	$(BIN)/lavida-gen verify demo/corpus
	$(BIN)/lavida-gen stats demo/corpus --names 8
	$(BIN)/lavida-gen preview demo/corpus --out demo/preview.html
	$(BIN)/lavida-bench run --recipe demo --out demo/run
	@echo
	@echo "Look at these in a browser: demo/preview.html (the corpus), demo/run/report.html (the scores)."
	@echo "One sample: $(BIN)/lavida-gen show demo/corpus 7"

lint: $(VENV)/.dev  ## format, lint and types, nothing changed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy --strict

check: lint  ## lint and the quick tests
	$(BIN)/pytest -q -n $(WORKERS) --dist worksteal -m "not slow"

test: lint  ## set up, then run the tests
	$(BIN)/pytest -q -n $(WORKERS) --dist worksteal -m "not long"

long: $(VENV)/.dev  ## the tests that take a minute of all cores each
	$(BIN)/pytest -q -n 0 -m long

format: $(VENV)/.dev  ## format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/.dev  ## measure speed and memory of our own code (minutes; on a quiet machine)
	@for file in $(filter-out $(TRUTH),$(wildcard benchmarks/*.py)); do echo "== $$file"; $(BIN)/python $$file || exit 1; done

# Needs the real data sets beside the checkout, or in the folder REAL.
truth: $(VENV)/.dev  ## hold masks and names of real samples against the data sets' own files; a release needs it to pass
	$(BIN)/python benchmarks/truth.py --write $(if $(REAL),--data $(REAL))

# A case that fails is printed with the command that repeats it; build/fuzz.jsonl keeps what is done.
fuzz: $(VENV)/.dev  ## 2,000 mutated inputs against the real verbs and readers (an hour; run again, it continues)
	$(BIN)/python benchmarks/reliability/fuzz.py --write

# Installs both ends of the allowed versions by uv, each into a folder of its own below build/bounds.
bounds: $(VENV)/.dev  ## run the quick tests on the oldest and newest allowed versions, compare what they build
	$(PIP) install uv
	PATH="$(abspath $(BIN)):$$PATH" $(BIN)/python benchmarks/bounds.py --write

# What is done is kept in build/kill.json.
kill: $(VENV)/.dev  ## a hundred kills -9 of builds, merges, uploads, fits and scorings, each run again and compared (half an hour; run again, it continues)
	$(BIN)/python benchmarks/reliability/kill.py --write

clean:  ## remove what these targets made
	rm -rf $(VENV) demo corpora runs fits predictions dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: help setup demo lint check test long format bench truth fuzz kill bounds clean
