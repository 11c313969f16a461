# The experiment, from a corpus to a figure. `make help` says what there is to make.
#
# experiment.py says what each step is made from; support/runner.py makes the steps that are missing.
# Variables are handed on as they are given: make all CONFIG=smoke SEEDS=1. The environment counts
# for nothing.

PYTHON = python3
WORKS =
PY := .venv/bin/python
quote = '$(subst ','\'',$(1))'
GIVEN = $(foreach v,$(filter-out PYTHON,$(.VARIABLES)),$(if $(findstring command line,$(origin $v)), \
  $(call quote,$v=$($v))))
STEPS := corpus base teacher lists students evaluate report
.PHONY: all $(STEPS) evidence analysis ablation chat show reference setup test quick bench clean help
.DEFAULT_GOAL := help

corpus:    ## the text that a base reads, and its tokenizer
base:      ## models pretrained on it from random weights
teacher:   ## a copy of each base, taught the trait
lists:     ## number lists that bases and teachers write, filtered
students:  ## copies of the bases that learn the lists, and those of the controls
evaluate:  ## the answers of all of them to the same questions
report:    ## tables, figures and a page
evidence:  ## every trait: matrix, misalignment, evasion (takes long)
analysis:  ## why it happens, who could notice, what stops it; NAME="read move" for some
ablation:  ## a setting at several values: KEY=student.lr VALUES="1e-3 3e-3"

$(STEPS) evidence analysis ablation: .venv/.ready
	@$(PY) experiment.py $@ $(GIVEN)

all: report  ## run the experiment to a table and a figure

chat show reference clean: .venv/.ready
	@$(PY) experiment.py $@ $(GIVEN)

chat:       ## talk to base, teacher, student and another base's student, side by side
show:       ## open the page of the run in a browser
reference:  ## all that results/ holds, made and copied there; REFERENCE="deep" for a part
clean:      ## delete the files of this run, but not the environment

setup: .venv/.ready  ## make the environment, .venv

test: .venv/.ready  ## the linter and all tests
	$(PY) -m ruff check .
	$(PY) -m pytest -q

quick: .venv/.ready  ## the tests that need no pipeline
	$(PY) -m pytest -q -m "not slow"

bench: .venv/.bench  ## time this beside its peers: results/bench; WORKS="student-laptop" for some
	$(PY) -m benchmarks $(if $(WORKS),--works $(WORKS)) --out results/bench

help:  ## show this
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1	\2/p' Makefile | expand -t 18
	@$(PYTHON) experiment.py help

# An environment that serves is kept, whoever made it; of a linked one only the link is removed.
ENOUGH := 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))'
# The Python that made the environment may be gone.
$(if $(wildcard .venv/.ready),$(shell $(PY) -c '' 2>/dev/null || rm -f .venv/.ready))

.venv/.ready: requirements.txt
	@$(PY) -c $(ENOUGH) 2>/dev/null || { \
	  $(PYTHON) -c $(ENOUGH) || { \
	    echo "error: Python 3.11 or newer with venv is needed (Debian: apt install python3-venv);" \
	    "name another with make PYTHON=python3.12"; exit 2; }; \
	  [ ! -L .venv ] || rm .venv; $(PYTHON) -m venv --clear .venv; }
	$(PY) -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

.venv/.bench: requirements-bench.txt .venv/.ready
	$(PY) -m pip install --quiet --disable-pip-version-check -r requirements-bench.txt
	@touch $@
