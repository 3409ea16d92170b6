# Every target makes .venv first, once. `make help` lists them; variables go after the target: make train-emodb EMODB=path FOLDS=0-4
PYTHON ?= python3
EMODB ?=
IEMOCAP ?=
RAVDESS ?=
CREMA_D ?=
BANGLASER ?=
NEMO ?=
DATA ?= build/data
PROTOCOL ?=
RESULTS ?= results
SYSTEM ?=
FOLDS ?=
SEEDS ?=
PRECISION ?=
JOBS ?=
GRID ?=
PREPARE ?=
QUICK ?=
COVERAGE ?=
TRANSFER ?=
CROSS ?=
OPEN ?=
KIND ?=
SCALE ?= 1

PY := .venv/bin/python
# Two recipes: the networks' log-Mels, and the frames of the baseline DNN-ELM.
RECIPES := paper,mfcc-pitch
# In pieces where PREPARE has arguments of run_preparation.
prepare = $(PY) -m $(if $(PREPARE),experiments.jobs.run_preparation,data_prep.prepare) $(1) --source $(2) --data $(DATA) --recipe $(RECIPES) $(PREPARE)
grid = $(PY) -m experiments.grid.run_grid --prepared $(DATA)/$(1) --results $(RESULTS) $(if $(JOBS),--jobs $(JOBS)) $(GRID) \
	$(if $(PRECISION),--precision $(PRECISION)) $(if $(FOLDS),--folds $(FOLDS)) $(if $(SEEDS),--seeds $(SEEDS)) $(if $(PROTOCOL),--protocol $(PROTOCOL))
report = $(PY) -m experiments.reporting.summarise $(1) --results $(RESULTS) $(if $(PROTOCOL),--protocol $(PROTOCOL))
DEMO := build/demo
# Of each process that shares the tests: with more they wait for each other. Three share two processors: some tests wait for a child.
ONE_THREAD := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 TF_NUM_INTRAOP_THREADS=1 TF_NUM_INTEROP_THREADS=1
export TF_CPP_MIN_LOG_LEVEL ?= 3

.DEFAULT_GOAL := help
.PHONY: help demo demo-iemocap test test-everywhere test-notebooks test-image sbom lint docs bench stress transfer-ravdess transfer-nemo clean
.PHONY: prepare-emodb train-emodb report-emodb coverage-emodb table1-emodb table2-emodb baselines-emodb
.PHONY: cross-corpus train-open
.PHONY: prepare-all prepare-crema-d prepare-banglaser prepare-nemo prepare-ravdess train-crema-d train-banglaser train-nemo train-ravdess
.PHONY: baselines-crema-d baselines-banglaser baselines-nemo baselines-ravdess
.PHONY: prepare-iemocap train-iemocap report-iemocap table1-iemocap table2-iemocap

help: ## list the targets
	@grep -E '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

# The mark is set last, and a .venv without it is built anew: an interrupted installation is not taken for a complete one.
.venv/installed: setup.cfg pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, this is " + sys.version)'
	$(PYTHON) -m venv --clear .venv
	$(PY) -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@

.venv/installed-docs: .venv/installed
	$(PY) -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[docs]'
	touch $@

demo: .venv/installed ## the whole road on the embedded synthetic corpus, in minutes: generate, prepare, train three folds, report
	$(PY) -m data_prep.synthetic.emodb $(DEMO)/corpus --workers 2
	$(PY) -m data_prep.prepare synthetic --source $(DEMO)/corpus --data $(DEMO)/data
	$(PY) -m experiments.grid.run_grid --prepared $(DEMO)/data/synthetic --system tiny --folds 0,3,6 --seeds 0 --jobs 2 --results $(DEMO)/results --work $(DEMO)/work
	$(PY) -m experiments.reporting.summarise synthetic --results $(DEMO)/results --partial

demo-iemocap: .venv/installed ## the three systems on one fold of a generated look-alike of IEMOCAP, in minutes
	$(PY) -m data_prep.synthetic.iemocap $(DEMO)/look-alike --scale 0.1 --workers 2
	$(PY) -m data_prep.prepare iemocap --source $(DEMO)/look-alike --data $(DEMO)/data --recipe paper,mfcc-pitch
	$(PY) -m experiments.grid.run_grid --prepared $(DEMO)/data/iemocap-synthetic --system acrnn3d-1conv,acrnn2d-1conv,dnn-elm --folds 0 --seeds 0 --epochs 6 --results $(DEMO)/results --work $(DEMO)/work
	$(PY) -m experiments.reporting.summarise iemocap-synthetic --results $(DEMO)/results --partial

# Compiled modules are kept, whatever the environment says: the tests start many processes.
test: .venv/installed ## all tests; with the real corpus where EMODB names it
	EMODB=$(EMODB) PYTHONDONTWRITEBYTECODE= $(ONE_THREAD) $(PY) -m pytest --numprocesses 3 --dist loadgroup --no-loadscope-reorder --junitxml=build/tests.xml $(if $(COVERAGE),--cov --cov-report=term:skip-covered --cov-fail-under=$(COVERAGE))

test-everywhere: .venv/installed ## all tests with one thread and two, with oneDNN and without, in random orders; twenty times those that train or draw
	EMODB=$(EMODB) $(PY) tests/everywhere.py --numprocesses 2 --dist loadgroup

test-notebooks: .venv/installed ## execute the notebooks; on real recordings where EMODB names them
	EMODB=$(EMODB) $(PY) -m notebooks

test-image: .venv/installed ## the Dockerfile's lines without a builder, and what a container does; minutes
	$(PY) -m pytest tests/image/container_walk.py

# What the image has, installed beside .venv.
build/small/installed: setup.cfg constraints.txt requirements-image.txt requirements-predict.txt
	$(PYTHON) -m venv --clear build/small
	build/small/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -r requirements-image.txt
	build/small/bin/python -m pip install --quiet --disable-pip-version-check --no-deps .
	build/small/bin/python -m pip uninstall --quiet --yes setuptools pip
	touch $@

.venv/installed-sbom: .venv/installed
	$(PY) -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[sbom]'
	touch $@

sbom: .venv/installed-sbom build/small/installed ## packages of the image and their licences, to build/sbom
	mkdir -p build/sbom
	.venv/bin/cyclonedx-py environment build/small/bin/python --output-reproducible --output-file build/sbom/bom.json
	.venv/bin/pip-licenses --python build/small/bin/python --with-urls --format csv --output-file build/sbom/licences.csv

lint: .venv/installed ## ruff and mypy
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy

docs: .venv/installed-docs ## the documentation site, strictly, to build/docs; readable from the disk
	NO_MKDOCS_2_WARNING=1 $(PY) -m mkdocs build --quiet --strict

bench: .venv/installed ## measure everything, each figure beside a yardstick; QUICK=--quick only shows that it works
	$(PY) -m experiments.bench $(QUICK) $(if $(EMODB),--emodb $(EMODB)) --write results/bench

stress: .venv/installed ## hours: kills, malformed recordings and files; KIND= chooses, SCALE=0.02 is a glance; goes on where it was interrupted
	$(ONE_THREAD) nice -n 15 $(PY) -m experiments.stress $(KIND) --scale $(SCALE)

prepare-emodb: .venv/installed ## Emo-DB from EMODB, or downloaded first, to TFRecords in DATA
	$(if $(EMODB),,$(PY) -m data_prep.corpora.emodb --download build/emodb)
	$(call prepare,emodb,$(or $(EMODB),build/emodb))

# With EMODB the corpus is checked for changes; without it, what was prepared before is taken.
EMODB_DATA = $(if $(EMODB),prepare-emodb,$(DATA)/emodb.mfcc-pitch/recipe.json)

train-emodb: $(EMODB_DATA) ## train SYSTEM over FOLDS and SEEDS (PROTOCOL=leave-one-speaker-out, PRECISION=float32 or bfloat16), then report; resumes
	$(call grid,emodb) --system $(or $(SYSTEM),acrnn3d-5conv)
	$(call report,emodb)

table1-emodb: $(EMODB_DATA) ## the paper's Table I on Emo-DB, one to seven convolutions: 350 runs, resumes, ends in the table
	$(call grid,emodb) --table table1
	$(call report,emodb) --table table1

table2-emodb: $(EMODB_DATA) ## the paper's Table II on Emo-DB, three systems: 150 runs
	$(call grid,emodb) --table table2
	$(call report,emodb) --table table2

baselines-emodb: $(EMODB_DATA) ## openSMILE's functionals and a linear SVM on Emo-DB, four systems; openSMILE's licence is for research alone
	$(PY) -m experiments.studies.opensmile_svm --prepared $(DATA)/emodb --source $(or $(EMODB),build/emodb) --results $(RESULTS) $(if $(PROTOCOL),--protocol $(PROTOCOL))
	$(call report,emodb)

report-emodb: .venv/installed ## tables and figures from RESULTS, without training; the pages' tables too
	$(call report,emodb) $(if $(PROTOCOL),,$(if $(filter results,$(RESULTS)),--pages README.md docs/results/emodb.md --cards ser_acrnn/pretrained))
	$(if $(PROTOCOL),,$(PY) -m experiments.reporting.mechanisms --results $(RESULTS))

coverage-emodb: .venv/installed ## simulated coverage of the reports' intervals, folds drawn from Emo-DB's results
	$(PY) -m experiments.studies.coverage emodb --results $(RESULTS)

$(DATA)/emodb.mfcc-pitch/recipe.json: | .venv/installed
	$(MAKE) prepare-emodb

prepare-iemocap: .venv/installed ## IEMOCAP from IEMOCAP, the folder of the licensed release, to TFRecords in DATA
	$(if $(IEMOCAP),,$(error IEMOCAP is not set, expected the folder of the release: make prepare-iemocap IEMOCAP=path. The corpus is licensed by USC SAIL: https://sail.usc.edu/iemocap/))
	$(call prepare,iemocap,$(IEMOCAP))

IEMOCAP_DATA = $(if $(IEMOCAP),prepare-iemocap,$(DATA)/iemocap.mfcc-pitch/recipe.json)

train-iemocap: $(IEMOCAP_DATA) ## the same for IEMOCAP
	$(call grid,iemocap) --system $(or $(SYSTEM),acrnn3d-6conv)
	$(call report,iemocap)

table1-iemocap: $(IEMOCAP_DATA) ## the paper's Table I on IEMOCAP, one to seven convolutions: 350 runs, resumes, ends in the table
	$(call grid,iemocap) --table table1
	$(call report,iemocap) --table table1

table2-iemocap: $(IEMOCAP_DATA) ## the paper's Table II on IEMOCAP, three systems: 150 runs
	$(call grid,iemocap) --table table2
	$(call report,iemocap) --table table2

report-iemocap: .venv/installed ## tables and figures of IEMOCAP
	$(call report,iemocap)

$(DATA)/iemocap.mfcc-pitch/recipe.json: | .venv/installed
	$(MAKE) prepare-iemocap

# The corpora beside the paper's, by the recipe of the network that ships. A folder that is not named is said with where to get the corpus.
needed = $(if $($(1)),,$(error $(1) is not set, expected the corpus's folder: make $@ $(1)=path. $(2)))
prepare-crema-d prepare-banglaser prepare-nemo prepare-ravdess: RECIPES := speech-short-pauses

prepare-crema-d: .venv/installed ## CREMA-D from CREMA_D, or downloaded first, to TFRecords in DATA
	$(if $(CREMA_D),,$(PY) -m data_prep.corpora.crema_d --download build/crema_d)
	$(call prepare,crema_d,$(or $(CREMA_D),build/crema_d))

prepare-banglaser: .venv/installed ## BanglaSER from BANGLASER, the folder of its recordings
	$(call needed,BANGLASER,It is on Mendeley Data: https://data.mendeley.com/datasets/t9h6p943xy/5)
	$(call prepare,banglaser,$(BANGLASER))

prepare-nemo: .venv/installed ## nEMO from NEMO, a clone of its repository
	$(call needed,NEMO,git clone https://github.com/amu-cai/nEMO)
	$(call prepare,nemo,$(NEMO))

prepare-ravdess: .venv/installed ## RAVDESS from RAVDESS, the folder that holds Actor_01 to Actor_24
	$(call needed,RAVDESS,It is on Zenodo: https://zenodo.org/records/1188976)
	$(call prepare,ravdess,$(RAVDESS))

prepare-all: prepare-emodb $(if $(CREMA_D),prepare-crema-d) $(if $(BANGLASER),prepare-banglaser) $(if $(NEMO),prepare-nemo) $(if $(RAVDESS),prepare-ravdess) ## Emo-DB, and each corpus whose folder is named

# The same folds by openSMILE's functionals and a linear SVM; openSMILE's licence is for research alone.
baselines = $(PY) -m experiments.studies.opensmile_svm --prepared $(DATA)/$(1).speech-short-pauses --source $(2) --results $(RESULTS)

baselines-crema-d: prepare-crema-d ## openSMILE's functionals and a linear SVM on CREMA-D, in the folds of train-crema-d
	$(call baselines,crema_d,$(CREMA_D))
	$(call report,crema_d)

baselines-banglaser: prepare-banglaser ## the same for BanglaSER
	$(call baselines,banglaser,$(BANGLASER))
	$(call report,banglaser)

baselines-nemo: prepare-nemo ## the same for nEMO
	$(call baselines,nemo,$(NEMO))
	$(call report,nemo)

baselines-ravdess: prepare-ravdess ## the same for RAVDESS
	$(call baselines,ravdess,$(RAVDESS))
	$(call report,ravdess)

train-crema-d: $(if $(CREMA_D),prepare-crema-d,.venv/installed) ## train SYSTEM on CREMA-D, ten groups of speakers, then report; resumes
	$(call grid,crema_d) --system $(or $(SYSTEM),best-by-utterance.short-pauses)
	$(call report,crema_d)

train-banglaser: $(if $(BANGLASER),prepare-banglaser,.venv/installed) ## the same for BanglaSER
	$(call grid,banglaser) --system $(or $(SYSTEM),best-by-utterance.short-pauses)
	$(call report,banglaser)

train-nemo: $(if $(NEMO),prepare-nemo,.venv/installed) ## the same for nEMO, speaker by speaker
	$(call grid,nemo) --system $(or $(SYSTEM),best-by-utterance.short-pauses)
	$(call report,nemo)

train-ravdess: $(if $(RAVDESS),prepare-ravdess,.venv/installed) ## the same for RAVDESS, six groups of actors
	$(call grid,ravdess) --system $(or $(SYSTEM),best-by-utterance.short-pauses)
	$(call report,ravdess)

# Corpora whose folders are named; machines and networks are trained and judged on as they are read.
NAMED = emodb=$(or $(EMODB),build/emodb)$(if $(CREMA_D),$(comma)crema_d=$(CREMA_D))$(if $(BANGLASER),$(comma)banglaser=$(BANGLASER))$(if $(RAVDESS),$(comma)ravdess=$(RAVDESS))$(if $(NEMO),$(comma)nemo=$(NEMO))
comma := ,

cross-corpus: .venv/installed ## trained on some corpora, judged on another one: Emo-DB and those whose folders are named; resumes, and writes the page
	$(PY) -m experiments.cross_corpus --corpora $(NAMED) --results $(RESULTS) --page docs/results/cross-corpus.md $(CROSS)

train-open: prepare-crema-d prepare-banglaser .venv/installed ## hours: a network of CREMA-D, BanglaSER and Emo-DB, its recipe chosen by leaving a corpus out; resumes
	$(PY) -m data_prep.prepare emodb --source $(or $(EMODB),build/emodb) --data $(DATA) --recipe speech-short-pauses
	for corpus in crema_d=$(CREMA_D) banglaser=$(BANGLASER) emodb=$(or $(EMODB),build/emodb); do \
		$(PY) -m data_prep.prepare $${corpus%%=*} --source "$${corpus#*=}" --data $(DATA) --recipe speech-short-pauses --copies 4 || exit; done
	$(PY) -m experiments.studies.open_corpora --prepared $(DATA)/crema_d,$(DATA)/banglaser,$(DATA)/emodb --results $(RESULTS) $(OPEN)

transfer = $(PY) -m experiments.studies.transfer_curve --prepared $(DATA)/$(1) --results $(RESULTS) $(TRANSFER)
transfer-ravdess: RECIPES := speech-short-pauses

transfer-ravdess: .venv/installed ## few examples an emotion: a shipped network beside training from scratch; without RAVDESS on a generated look-alike
	$(if $(RAVDESS),,$(PY) -m data_prep.synthetic.ravdess build/ravdess --scale 0.5 --workers 2)
	$(call prepare,ravdess,$(or $(RAVDESS),build/ravdess))
	$(call transfer,$(if $(RAVDESS),ravdess,ravdess-synthetic))

transfer-nemo: prepare-nemo ## the same on nEMO
	$(call transfer,nemo)

clean: ## remove .venv and build, keep results
	rm -rf .venv build *.egg-info
