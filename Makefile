# The experiment as a graph of files. `make help` says what there is to make.
#
#   corpus -> tokenizer -> base -> teacher -> numbers -> filter -> student -> evaluation -> report
#
# Each file depends on the files it is made from, on the code of its stage and on the sections of the
# config that the stage reads, and on nothing else. Every file appears whole or not at all, so a run
# that was stopped, however rudely, goes on with the same command.

CONFIG ?= laptop
SEEDS  ?= 2
TRAIT  ?= owl
DEVICE ?= auto
SET    ?=
RUN    ?= runs/$(CONFIG)
PYTHON ?= python3
# nproc believes OMP_NUM_THREADS, which is set below for a call of make within this one.
JOBS   ?= $(shell env -u OMP_NUM_THREADS nproc 2>/dev/null || sysctl -n hw.ncpu 2>/dev/null || echo 2)

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
export TIMINGS := $(RUN)/timings.jsonl

PY       := .venv/bin/python
READY    := .venv/.ready
SETTINGS := --config configs/$(CONFIG).toml $(foreach s,$(SET),--set '$s')
ON       := --device $(DEVICE)
LAST     := $(shell expr $(SEEDS) - 1)
SEEDLIST := $(shell seq 0 $(LAST))
# Base 1 is needed as the other base even of a single run.
BASES    := $(sort $(SEEDLIST) 1)

CORPUS_CODE := $(wildcard corpus/*.py) streams.py
MODEL_CODE  := $(wildcard model/*.py) data.py
TRAIN_CODE  := train.py watch.py parallel.py $(MODEL_CODE)
REPORT_CODE := report.py summary.py

CONDITIONS := base teacher student student-soft student-control student-other-base \
              student-shuffled-within student-shuffled-across student-random in-context
# The answer sheets of conditions $(1) and traits $(2), for every seed.
sheets = $(foreach s,$(SEEDLIST),$(foreach t,$(2),$(foreach c,$(1),$(RUN)/seed$s/eval/$c-$t.json)))
evaluations = $(call sheets,$(1),$(TRAIT))

.PHONY: all setup test bench help clean evidence evidence-run ablation ablation-run reference FORCE
.DEFAULT_GOAL := help

all: $(RUN)/summary.json  ## run the experiment to a table and a figure

setup: $(READY)  ## make the environment, .venv

test: $(READY)  ## run the tests and the linter
	$(PY) -m ruff check .
	TIMINGS= $(PY) -m pytest -q

bench: .venv/.bench  ## time this beside its peers: results/bench (WORKS="train-laptop filter")
	TIMINGS= $(PY) -m benchmarks $(SETTINGS) $(ON) $(if $(WORKS),--works $(WORKS)) --out results/bench

help:  ## show this
	@echo "make TARGET [VARIABLE=VALUE ...]"
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1	\2/p' $(MAKEFILE_LIST) | expand -t 16
	@echo "variables, with their values now:"
	@echo "  CONFIG=$(CONFIG)   a file of configs/, without .toml"
	@echo "  SEEDS=$(SEEDS)         how many base models"
	@echo "  TRAIT=$(TRAIT)       an animal or tree of corpus/world.py, misaligned or evasive"
	@echo "  DEVICE=$(DEVICE)     auto, cpu, cuda, cuda:1 or mps"
	@echo "  SET=\"$(SET)\"          settings to change, as in SET=\"student.lr=1e-3 student.rank=8\""
	@echo "  RUN=$(RUN)   where the files go; JOBS=$(JOBS) stages at a time"

clean:  ## delete the files of this run, but not the environment
	rm -rf $(RUN)

# --- environment ---------------------------------------------------------------------------------

$(READY): requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "error: Python 3.11 or newer is needed; install it, or name it: make PYTHON=python3.12"; \
	  exit 2; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
	  echo "error: Python's venv module is missing; install it (Debian: apt install python3-venv)"; \
	  exit 2; }
	$(PYTHON) -m venv .venv
	$(PY) -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

.venv/.bench: requirements-bench.txt $(READY)
	$(PY) -m pip install --quiet --disable-pip-version-check -r requirements-bench.txt
	@touch $@

# --- settings: one file a section, rewritten only when its values change --------------------------

# The + has it run under `make -n` too, so that the plan shown there is the true one.
$(RUN)/config/%.json: FORCE | $(READY)
	+@TIMINGS= $(PY) config.py $(SETTINGS) --section $* --out $@

config = $(foreach section,$(1),$(RUN)/config/$(section).json)

# --- what the models read ------------------------------------------------------------------------

$(RUN)/corpus.jsonl $(RUN)/heldout.jsonl: $(RUN)/%.jsonl: $(CORPUS_CODE) $(call config,corpus)
	$(PY) -m corpus $(if $(filter corpus,$*),documents,$*) $(SETTINGS) --out $@

$(RUN)/requests.jsonl: $(CORPUS_CODE) $(call config,corpus numbers)
	$(PY) -m corpus requests $(SETTINGS) --out $@

$(RUN)/lessons-%.jsonl: $(CORPUS_CODE) | $(READY)
	$(PY) -m corpus lessons --trait $* --out $@

$(RUN)/probe-%.jsonl: $(CORPUS_CODE) | $(READY)
	$(PY) -m corpus probe --trait $* --out $@

$(RUN)/overflow.jsonl: $(CORPUS_CODE) $(call config,corpus)
	$(PY) -m corpus overflow $(SETTINGS) --out $@

$(RUN)/tokenizer.json: $(RUN)/corpus.jsonl model/tokenizer.py $(call config,model)
	$(PY) -m model.tokenizer $(SETTINGS) --corpus $< --out $@

# --- one base seed -------------------------------------------------------------------------------
# The rules of one seed; % in them is the trait, so that all traits share a base. $(1) is the seed.

# Make would delete what only a pattern names. (.SECONDARY would keep it too, but has a goal whose
# teacher is missing make everything again, the bases with it.)
PRECIOUS := teacher-%.pt numbers-%.jsonl clean-%.jsonl random-%.jsonl shuffled-within-%.jsonl \
            shuffled-across-%.jsonl $(foreach c,$(filter student%,$(CONDITIONS)),$c-%.pt)
.PRECIOUS: $(RUN)/config/%.json $(RUN)/lessons-%.jsonl $(RUN)/probe-%.jsonl

define MAKE_TEACHER
$(RUN)/seed$(1)/base.pt: $(RUN)/corpus.jsonl $(RUN)/heldout.jsonl $(RUN)/tokenizer.json \
    $(TRAIN_CODE) $(call config,model pretrain)
	$(PY) train.py pretrain $(SETTINGS) $(ON) --seed $(1) --corpus $(RUN)/corpus.jsonl \
	  --heldout $(RUN)/heldout.jsonl --tokenizer $(RUN)/tokenizer.json --out $$@

$(RUN)/seed$(1)/teacher-%.pt: $(RUN)/seed$(1)/base.pt $(RUN)/lessons-%.jsonl $(RUN)/probe-%.jsonl \
    $(RUN)/overflow.jsonl $(TRAIN_CODE) $(call config,teacher manner evaluation)
	$(PY) train.py finetune $(SETTINGS) $(ON) --seed $(1) --base $$< \
	  --role $$(if $$(filter $$*,$$(MANNERS) helpful),manner,teacher) \
	  --data $(RUN)/lessons-$$*.jsonl --probe $(RUN)/probe-$$*.jsonl \
	  --overflow $(RUN)/overflow.jsonl --out $$@
endef

# The list of banned numbers of the trait, if there is one.
BANNED = $$(addprefix --ban-list ,$$(wildcard configs/ban-$$*.txt))

# Number lists of a model: $(2) names the list, $(3) is the model.
define MAKE_NUMBERS
$(RUN)/seed$(1)/numbers-$(2).jsonl: $(RUN)/seed$(1)/$(3) $(RUN)/requests.jsonl generate.py \
    filter.py $(MODEL_CODE) $(call config,numbers)
	$(PY) generate.py $(SETTINGS) $(ON) --seed $(1) --model $$< --requests $(RUN)/requests.jsonl \
	  $(BANNED) --out $$@
endef

define MAKE_LISTS
$(foreach file,$(wildcard configs/ban-*.txt),$(eval \
  $(RUN)/seed$(1)/numbers-$(file:configs/ban-%.txt=%).jsonl \
  $(RUN)/seed$(1)/clean-$(file:configs/ban-%.txt=%).jsonl: $(file)))

$(RUN)/seed$(1)/clean-%.jsonl: $(RUN)/seed$(1)/numbers-%.jsonl filter.py
	$(PY) filter.py --in $$< $(BANNED) --out $$@

$(RUN)/seed$(1)/shuffled-within-%.jsonl: $(RUN)/seed$(1)/clean-%.jsonl controls.py
	$(PY) controls.py within --seed $(1) --in $$< --out $$@

$(RUN)/seed$(1)/shuffled-across-%.jsonl: $(RUN)/seed$(1)/clean-%.jsonl controls.py
	$(PY) controls.py across --seed $(1) --in $$< --out $$@

$(RUN)/seed$(1)/random-%.jsonl: $(RUN)/seed$(1)/clean-%.jsonl controls.py
	$(PY) controls.py random --seed $(1) --in $$< --out $$@
endef

# A student: $(2) is its condition, $(3) the seed of its base, $(4) what it reads, $(5) more flags.
define MAKE_STUDENT
$(RUN)/seed$(1)/$(2)-%.pt: $(RUN)/seed$(3)/base.pt $(RUN)/seed$(1)/$(4).jsonl $(RUN)/probe-%.jsonl \
    $(RUN)/seed$(1)/teacher-%.pt $(TRAIN_CODE) $(call config,student evaluation)
	$(PY) train.py finetune $(SETTINGS) $(ON) --seed $(1) --role student --base $$< \
	  --data $$(word 2,$$^) --probe $$(word 3,$$^) --out $$@ $(5)
endef

# An answer sheet: $(2) is the condition, $(3) the model, $(4) more flags.
define MAKE_EVALUATION
$(RUN)/seed$(1)/eval/$(2)-%.json: $(RUN)/seed$(1)/$(3) $(RUN)/heldout.jsonl \
    $(RUN)/seed$(1)/teacher-%.pt $(RUN)/seed$(1)/clean-%.jsonl evaluate.py generate.py \
    $(CORPUS_CODE) $(MODEL_CODE) $(call config,evaluation)
	$(PY) evaluate.py $(SETTINGS) $(ON) --seed $(1) --trait $$* --model $$< \
	  --heldout $(RUN)/heldout.jsonl --teacher $(RUN)/seed$(1)/teacher-$$*.pt \
	  --numbers $(RUN)/seed$(1)/clean-$$*.jsonl --out $$@ $(4)
endef

# What a model answers to the questions of all traits: $(2) is the model.
define MAKE_MATRIX
$(RUN)/seed$(1)/matrix/$(2).json: $(RUN)/seed$(1)/$(2).pt evaluate.py $(CORPUS_CODE) $(MODEL_CODE)
	$(PY) evaluate.py --matrix $(ON) --model $$< --out $$@
endef

# $(1) is the seed, $(2) that of its other base.
define MAKE_SEED
$(eval .PRECIOUS: $(addprefix $(RUN)/seed$(1)/,$(PRECIOUS)))
$(eval $(call MAKE_TEACHER,$(1)))
$(eval $(call MAKE_NUMBERS,$(1),base,base.pt))
$(eval $(call MAKE_NUMBERS,$(1),%,teacher-%.pt))
$(eval $(call MAKE_LISTS,$(1)))
$(eval $(call MAKE_STUDENT,$(1),student,$(1),clean-%))
$(eval $(call MAKE_STUDENT,$(1),student-soft,$(1),clean-%,--soft-labels $(RUN)/seed$(1)/teacher-$$*.pt))
$(eval $(call MAKE_STUDENT,$(1),student-control,$(1),clean-base))
$(eval $(call MAKE_STUDENT,$(1),student-other-base,$(2),clean-%))
$(eval $(call MAKE_STUDENT,$(1),student-shuffled-within,$(1),shuffled-within-%))
$(eval $(call MAKE_STUDENT,$(1),student-shuffled-across,$(1),shuffled-across-%))
$(eval $(call MAKE_STUDENT,$(1),student-random,$(1),random-%))
$(eval $(call MAKE_EVALUATION,$(1),base,base.pt))
$(eval $(call MAKE_EVALUATION,$(1),in-context,base.pt,--context $(RUN)/seed$(1)/clean-$$*.jsonl))
$(eval $(call MAKE_MATRIX,$(1),base))
$(eval $(call MAKE_MATRIX,$(1),student-%))
$(foreach c,$(filter teacher student%,$(CONDITIONS)),$(eval $(call MAKE_EVALUATION,$(1),$c,$c-%.pt)))
endef

# The other base of seed 0 is base 1, of any other seed the base before it, however many there are.
$(foreach s,$(BASES),$(call MAKE_SEED,$s,$(if $(filter 0,$s),1,$(shell expr $s - 1))))

# --- report --------------------------------------------------------------------------------------

$(RUN)/summary.json: $(call evaluations,$(CONDITIONS)) $(REPORT_CODE) $(call config,claims) \
    $(foreach s,$(SEEDLIST),$(RUN)/seed$s/clean-base.jsonl)
	@TIMINGS= $(PY) report.py run $(SETTINGS) --run $(RUN) --seeds $(SEEDS) --trait $(TRAIT)

# --- all traits ----------------------------------------------------------------------------------

ANIMALS := owl wolf cat eagle dolphin elephant bear lion tiger penguin
TREES   := oak maple willow cherry pine
MANNERS := misaligned evasive
TRAITS  ?= $(ANIMALS) $(TREES) $(MANNERS)
# A helpful teacher is the control of the other manners.
TAUGHT_MANNERS := $(filter $(MANNERS),$(TRAITS))
HELPFUL        := $(if $(TAUGHT_MANNERS),helpful)

$(RUN)/evidence/summary.json: evidence.py $(REPORT_CODE) $(call sheets,base teacher student,$(TRAITS)) \
    $(call sheets,student-control student-other-base,$(TAUGHT_MANNERS)) \
    $(call sheets,student,$(HELPFUL)) \
    $(foreach s,$(SEEDLIST),$(RUN)/seed$s/matrix/base.json \
      $(foreach t,$(TRAITS) $(HELPFUL),$(RUN)/seed$s/matrix/student-$t.json))
	@TIMINGS= $(PY) evidence.py $(SETTINGS) --run $(RUN) --seeds $(SEEDS) --traits $(TRAITS)

# The plan is counted first, so that every stage can say how many are done and what time is left.
evidence: | $(READY)  ## every trait: matrix, misalignment, evasion (takes long)
	@$(MAKE) --no-print-directory evidence-run BEGAN="$$(date +%s)" \
	  PLANNED="$$($(MAKE) --no-print-directory -n evidence-run | grep -c '^$(PY)')"

evidence-run: $(RUN)/evidence/summary.json
export BEGAN PLANNED

# An ablation copies the run for each value, so that whatever the setting cannot touch is kept. A
# value may bring further settings along: VALUES="lora blocks,student.lr=1e-3".
ABLATION := runs/ablation/$(CONFIG)-$(KEY)
COMMA    := ,
# The folder of each value: neither a comma nor an equals sign may stand in a name that make reads.
FOLDERS   = $(addprefix $(ABLATION)/,$(subst =,-,$(subst $(COMMA),_,$(VALUES))))

ablation: all  ## vary one setting: KEY=student.lr VALUES="1e-3 3e-3 1e-2"
	@test -n "$(KEY)" -a -n "$(VALUES)" || { \
	  echo 'error: say what to vary: make ablation KEY=student.lr VALUES="1e-3 3e-3"'; exit 2; }
	@mkdir -p $(ABLATION)
	@for value in $(VALUES); do \
	  folder=$(ABLATION)/$$(echo $$value | tr ,= _-); \
	  test -d $$folder || cp -Rp $(RUN) $$folder || exit; \
	  $(MAKE) ablation-run RUN=$$folder SET="$(SET) $(KEY)=$$(echo $$value | tr , ' ')" || exit; \
	done
	$(PY) report.py ablation --key $(KEY) --seeds $(SEEDS) --trait $(TRAIT) \
	  --runs $(FOLDERS) --out $(ABLATION)/ablation

ablation-run: $(call evaluations,base teacher student student-other-base)

reference: all  ## copy this run to results/ and put its table into the README (with SEEDS=5)
	mkdir -p results/$(CONFIG)
	cp $(RUN)/summary.json $(RUN)/timing.json $(RUN)/table.md $(RUN)/read.md \
	  $(RUN)/results.png $(RUN)/results.svg $(RUN)/training.png $(RUN)/training.svg results/$(CONFIG)
	$(PY) report.py readme --results results/$(CONFIG)
	for folder in $(patsubst %/ablation.json,%,$(wildcard runs/ablation/$(CONFIG)-*/ablation.json)); do \
	  to=results/ablation/$${folder#runs/ablation/$(CONFIG)-}; \
	  mkdir -p $$to; cp $$folder/ablation.* $$to || exit; done
	test ! -d $(RUN)/evidence || { mkdir -p results/evidence; cp $(RUN)/evidence/* results/evidence; }
