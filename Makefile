# The experiment, from a corpus to a figure. `make help` says what there is to make.
#
#   corpus -> tokenizer -> base -> teacher -> numbers -> filter -> student -> evaluation -> report
#
# plan.py writes a rule for every file of a run, from the table of arms in arms.py; a second make
# follows them, as many at a time as there are processors. Every file appears whole or not at all, so
# a run that was stopped, however rudely, goes on with the same command.
#
# What makes a file, and from what?      make rules | grep -A1 student-owl.pt:
# What would be made now, and how?       make -n all
# Only that file, with what it needs:    make runs/laptop/seed0/student-owl.pt

CONFIG ?= laptop
SEEDS  ?= 2
STUDENT_SEEDS ?= 1
UNTOUCHED ?= 0
TRAIT  ?= owl
TRAITS ?=
DEVICE ?= auto
SET    ?=
RUN    ?= runs/$(CONFIG)
PYTHON ?= python3
# nproc believes OMP_NUM_THREADS, which is set below for a call of make within this one.
JOBS   ?= $(shell env -u OMP_NUM_THREADS nproc 2>/dev/null || sysctl -n hw.ncpu 2>/dev/null || echo 2)

KNOWN := CONFIG SEEDS STUDENT_SEEDS UNTOUCHED TRAIT TRAITS DEVICE SET RUN PYTHON JOBS KEY VALUES \
         NAME WORKS OMP_NUM_THREADS PROGRESS SHELL MALLOC_MMAP_THRESHOLD_ MALLOC_TRIM_THRESHOLD_ \
         MALLOC_TOP_PAD_
$(foreach v,$(filter-out $(KNOWN),$(.VARIABLES)),$(if $(findstring command line,$(origin $v)), \
  $(error $v=$($v) means nothing here; make help lists the variables)))

# Where another sign stands in a name, make or the shell would read something else.
HASH := \#
BAD  := % : ; ' " & | < > * ? ~ \ $$ $(HASH) ( )
bad      = $(strip $(foreach s,$(BAD),$(findstring $s,$($(1)))))
one_name = $(if $(filter-out 1,$(words $($(1))))$(bad), \
  $(error $(1)=$($(1)) must be one name of letters, digits and . _ / + - alone))
names    = $(if $(bad),$(error $(1)=$($(1)) has a sign in it that is not meant here))
$(foreach v,CONFIG RUN DEVICE TRAIT SEEDS STUDENT_SEEDS UNTOUCHED $(if $(KEY),KEY),$(call one_name,$v))
$(foreach v,TRAITS NAME VALUES,$(call names,$v))
quote    = '$(subst ','\'',$(1))'

PY       := .venv/bin/python
READY    := .venv/.ready
SETTINGS := --config configs/$(CONFIG).toml $(foreach change,$(SET),--set $(call quote,$(change)))
# The plan needs no package, so that it can be shown, and a mistake told, before there is .venv.
PLAN     := $(or $(wildcard $(PY)),$(PYTHON)) plan.py $(SETTINGS) --device $(DEVICE) --run '$(RUN)' \
            --seeds '$(SEEDS)' --student-seeds '$(STUDENT_SEEDS)' --untouched '$(UNTOUCHED)' \
            --trait '$(TRAIT)' $(if $(TRAITS),--traits $(TRAITS)) $(if $(NAME),--analyses $(NAME))

# Small models gain nothing from a second thread: run stages side by side, one thread each.
ifeq ($(MAKELEVEL)$(filter -j%,$(MAKEFLAGS)),0)
MAKEFLAGS += -j$(JOBS)
endif
export OMP_NUM_THREADS ?= 1
# glibc gives memory back to the system after each training step and takes it anew in the next,
# which costs a fifth of the time. Keep it.
export MALLOC_MMAP_THRESHOLD_ ?= 1000000000
export MALLOC_TRIM_THRESHOLD_ ?= 1000000000
export MALLOC_TOP_PAD_ ?= 67108864
# Several bars on one terminal would overwrite one another.
export PROGRESS ?= lines

.PHONY: all chat numbers show evidence analysis ablation ablation-run rules reference setup test bench help clean python FORCE
.DEFAULT_GOAL := help

# --- the experiment ------------------------------------------------------------------------------

# Hands the rules to a second make, and tells its stages how many of them there are to be, and what
# each is expected to take.
FOLLOW = rules=$$($(PLAN)) && $(MAKE) --no-print-directory --silent $(READY) && { \
  planned=$$(printf '%s\n' "$$rules" | $(MAKE) -n -f - $@ | sed -n 's:^$(PY) \(-m \)*::p' | \
    cut -d' ' -f1,2 | sed 's: -.*::'); \
  costs=$$(test -z "$$planned" || \
    PLANNED="$$planned" $(PY) -m support.forecast $(SETTINGS) --jobs $(JOBS)); \
  printf '%s\n' "$$rules" | TIMINGS=$(RUN)/timings.jsonl BEGAN=$$(date +%s) PLANNED="$$planned" \
    COSTS="$$costs" $(MAKE) --no-print-directory -f - $@; }

all: python  ## run the experiment to a table and a figure
	+@$(FOLLOW)

evidence: python  ## every trait: matrix, misalignment, evasion (takes long)
	+@$(FOLLOW)

analysis: python  ## why it happens, who could notice, what stops it: analysis/, or NAME="read size" of it
	+@$(FOLLOW)

ablation-run: python
	+@$(FOLLOW)

$(RUN)/%: python
	+@$(FOLLOW)

Makefile: ;  # else a RUN of "." would have it made

chat: $(READY)  ## talk to base, teacher, student and another base's student, side by side
	@$(PY) chat.py --run '$(RUN)' --trait '$(TRAIT)' --device '$(DEVICE)'

numbers: $(READY)  ## the number lists of the same models, side by side
	@$(PY) chat.py --numbers 12 --run '$(RUN)' --trait '$(TRAIT)' --device '$(DEVICE)'

show: all  ## open the page of the run, index.html, in a browser
	@$(PYTHON) -m webbrowser -t "file://$(abspath $(RUN))/index.html"

rules: python  ## print what makes each file of the run, and from what
	@$(PLAN)

# An ablation copies the run for each value, so that whatever the setting cannot touch is kept. A
# value may bring further settings along: VALUES="lora blocks,student.lr=1e-3".
ABLATION := runs/ablation/$(CONFIG)-$(KEY)
FOLDER   := $(ABLATION)/$$(echo $$value | tr ,= _-)

ablation: python  ## vary one setting: KEY=student.lr VALUES="1e-3 3e-3 1e-2"
	@test -n "$(KEY)" -a -n "$(VALUES)" || { \
	  echo 'error: say what to vary: make ablation KEY=student.lr VALUES="1e-3 3e-3"'; exit 2; }
	@for value in $(VALUES); do \
	  $(PLAN) --set "$(KEY)=$${value%%,*}" > /dev/null || exit; done
	+@$(MAKE) all
	@mkdir -p $(ABLATION)
	@for value in $(VALUES); do folder=$(FOLDER); \
	  test -d $$folder || { rm -rf $$folder.part && cp -Rp $(RUN) $$folder.part && \
	    mv $$folder.part $$folder; } || exit; done
	+@for value in $(VALUES); do folder=$(FOLDER); \
	  $(MAKE) ablation-run RUN=$$folder SET=$(call quote,$(SET))" $(KEY)=$$(echo $$value | tr , ' ')" \
	    || exit; done
	@$(PY) -m report ablation --key $(KEY) --seeds $(SEEDS) --trait $(TRAIT) --out $(ABLATION)/ablation \
	  --runs $$(for value in $(VALUES); do echo $(FOLDER); done)

# What belongs to the default stands in results/ itself, beside what belongs to others.
OF_CONFIG := $(patsubst %,%/,$(filter-out laptop,$(CONFIG)))

reference: all  ## copy this run to results/ and put its table into the README (with SEEDS=5)
	mkdir -p results/$(CONFIG)
	cp $(foreach file,summary.json timing.json panel.md table.md read.md free.md results.png \
	  results.svg training.png training.svg,$(RUN)/$(file)) results/$(CONFIG)
	test $(CONFIG) != laptop || { mkdir -p results/laptop/models; \
	  cp $(foreach name,base teacher-owl student-owl student-other-base-owl,$(RUN)/seed0/$(name).pt) \
	    results/laptop/models; }
	for folder in $(patsubst %/ablation.json,%,$(wildcard runs/ablation/$(CONFIG)-*/ablation.json)); do \
	  to=results/ablation/$${folder#runs/ablation/$(CONFIG)-}; \
	  mkdir -p $$to; cp $$folder/ablation.* $$to || exit; done
	for folder in $(patsubst %/,%,$(wildcard $(RUN)/analysis/*/)); do \
	  to=results/$(OF_CONFIG)analysis/$${folder##*/}; mkdir -p $$to; cp $$folder/* $$to || exit; done
	test ! -d $(RUN)/evidence || { mkdir -p results/$(OF_CONFIG)evidence; \
	  cp $(RUN)/evidence/* results/$(OF_CONFIG)evidence; }
	$(PY) -m report readme --results results/laptop

clean:  ## delete the files of this run, but not the environment
	@test ! -e $(RUN) -o -d $(RUN)/config || { \
	  echo "error: $(RUN) is not the folder of a run; look at it and delete it by hand"; exit 2; }
	rm -rf $(RUN)

# --- the rest ------------------------------------------------------------------------------------

setup: $(READY)  ## make the environment, .venv

test: $(READY)  ## run the tests and the linter
	$(PY) -m ruff check .
	$(PY) -m pytest -q

bench: .venv/.bench  ## time this beside its peers: results/bench (WORKS="train-laptop filter")
	$(PY) -m benchmarks $(SETTINGS) --device $(DEVICE) $(if $(WORKS),--works $(WORKS)) \
	  --out results/bench

help:  ## show this
	@echo "make TARGET [VARIABLE=VALUE ...]"
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1	\2/p' $(MAKEFILE_LIST) | expand -t 16
	@echo "variables, with their values now:"
	@echo "  CONFIG=$(CONFIG)   a file of configs/, without .toml"
	@echo "  SEEDS=$(SEEDS)         how many base models"
	@echo "  STUDENT_SEEDS=$(STUDENT_SEEDS) students of each base; UNTOUCHED=$(UNTOUCHED) bases and traits no choice has seen"
	@echo "  TRAIT=$(TRAIT)       an animal or tree of corpus/world.py, misaligned or evasive"
	@echo "  DEVICE=$(DEVICE)     auto, cpu, cuda, cuda:1 or mps"
	@printf '%s\n' $(call quote,  SET="$(SET)"          settings to change: SET="student.lr=1e-3 student.rank=8")
	@echo "  RUN=$(RUN)   where the files go; JOBS=$(JOBS) stages at a time"

python:
	@$(or $(wildcard $(PY)),$(PYTHON)) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  2>/dev/null || { echo "error: Python 3.11 or newer is needed; install it, or name it:" \
	  "make PYTHON=python3.12"; exit 2; }

$(READY): requirements.txt | python
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
	  echo "error: Python's venv module is missing; install it (Debian: apt install python3-venv)"; \
	  exit 2; }
	$(PYTHON) -m venv .venv
	$(PY) -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

.venv/.bench: requirements-bench.txt $(READY)
	$(PY) -m pip install --quiet --disable-pip-version-check -r requirements-bench.txt
	@touch $@
