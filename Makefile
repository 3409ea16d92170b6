# Every target makes .venv first, once. `make help` lists them; variables go after the target: make train-emodb EMODB=path FOLDS=0-4
PYTHON ?= python3
EMODB ?=
IEMOCAP ?=
DATA ?= build/data
RESULTS ?= results
SYSTEM ?=
FOLDS ?=
SEEDS ?=
PRECISION ?=
JOBS ?= 1

PY := .venv/bin/python
GRID = $(PY) -m experiments.run_grid --jobs $(JOBS) $(if $(PRECISION),--precision $(PRECISION))
DEMO := build/demo
export TF_CPP_MIN_LOG_LEVEL ?= 3

.DEFAULT_GOAL := help
.PHONY: help demo test lint bench prepare-emodb train-emodb report-emodb prepare-iemocap train-iemocap report-iemocap clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

# The mark is set last, and a .venv without it is built anew: an interrupted installation is not taken for a complete one.
.venv/installed: setup.cfg pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, this is " + sys.version)'
	$(PYTHON) -m venv --clear .venv
	$(PY) -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@

demo: .venv/installed ## the whole road on the embedded synthetic corpus, in minutes: generate, prepare, train three folds, report
	$(PY) -m data_prep.synthetic $(DEMO)/corpus --workers 2
	$(PY) -m data_prep.prepare synthetic --source $(DEMO)/corpus --data $(DEMO)/data
	$(PY) -m experiments.run_grid --prepared $(DEMO)/data/synthetic --system tiny --folds 0,3,6 --seeds 0 --jobs 2 --results $(DEMO)/results --work $(DEMO)/work
	$(PY) -m experiments.summarise synthetic --results $(DEMO)/results --partial

test: .venv/installed ## all tests; with the real corpus where EMODB names it
	EMODB=$(EMODB) $(PY) -m pytest

lint: .venv/installed ## ruff and mypy
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy

bench: .venv/installed ## time and memory of the preparation
	$(PY) -m experiments.bench $(if $(EMODB),--emodb $(EMODB))

prepare-emodb: .venv/installed ## Emo-DB from EMODB, or downloaded first, to TFRecords in DATA
	$(if $(EMODB),,$(PY) -m data_prep.emodb --download build/emodb)
	$(PY) -m data_prep.prepare emodb --source $(or $(EMODB),build/emodb) --data $(DATA)

# With EMODB the corpus is checked for changes; without it, what was prepared before is taken.
train-emodb: $(if $(EMODB),prepare-emodb,$(DATA)/emodb/recipe.json) ## train SYSTEM over FOLDS and SEEDS, then report; resumes
	$(GRID) --prepared $(DATA)/emodb --system $(or $(SYSTEM),acrnn3d-5conv) $(if $(FOLDS),--folds $(FOLDS)) $(if $(SEEDS),--seeds $(SEEDS)) --results $(RESULTS)
	$(PY) -m experiments.summarise emodb --results $(RESULTS)

$(DATA)/emodb/recipe.json: | .venv/installed
	$(MAKE) prepare-emodb

report-emodb: .venv/installed ## tables and figures from RESULTS, without training; the README's table too
	$(PY) -m experiments.summarise emodb --results $(RESULTS) $(if $(filter results,$(RESULTS)),--readme README.md)

prepare-iemocap: .venv/installed ## IEMOCAP from IEMOCAP, the folder of the licensed release, to TFRecords in DATA
	$(if $(IEMOCAP),,$(error IEMOCAP is not set, expected the folder of the release: make prepare-iemocap IEMOCAP=path. The corpus is licensed by USC SAIL: https://sail.usc.edu/iemocap/))
	$(PY) -m data_prep.prepare iemocap --source $(IEMOCAP) --data $(DATA)

train-iemocap: $(if $(IEMOCAP),prepare-iemocap,$(DATA)/iemocap/recipe.json) ## the same for IEMOCAP
	$(GRID) --prepared $(DATA)/iemocap --system $(or $(SYSTEM),acrnn3d-6conv) $(if $(FOLDS),--folds $(FOLDS)) $(if $(SEEDS),--seeds $(SEEDS)) --results $(RESULTS)
	$(PY) -m experiments.summarise iemocap --results $(RESULTS)

$(DATA)/iemocap/recipe.json: | .venv/installed
	$(MAKE) prepare-iemocap

report-iemocap: .venv/installed ## tables and figures of IEMOCAP
	$(PY) -m experiments.summarise iemocap --results $(RESULTS)

clean: ## remove .venv and build, keep results
	rm -rf .venv build *.egg-info
