"""The experiment: which models there are, and what each is made from.

    python experiment.py all CONFIG=laptop SEEDS=2 TRAIT=owl    (as make does)
    python experiment.py runs/laptop/seed0/student-owl.pt       one file, with all it stands on
    python experiment.py all --dry                              what would be made
    python experiment.py runs/laptop/seed0/base.pt --why        what changed since it was made

`conditions` is the whole experiment on a page: a condition is a line. The methods of `Lab` take
steps and return a step; `support/runner.py` makes those that are missing.
"""

import os
import shutil
import sys
import webbrowser
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields, replace
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from corpus import traits
from corpus.documents import FAVOURITES
from corpus.own import own_file
from report.rows import Part, Shown
from support import runner
from support.cli import run
from support.files import UserError, read_json, require_file
from support.keys import ROOT
from support.runner import Step
from support.settings import Config, fitted, load_config, number, require_known
from support.streams import stream

# Colours from Okabe and Ito's colour-blind safe set.
STUDENT, TEACHER, BOUND, CONTROL = "#0072B2", "#D55E00", "#56B4E9", "#6E6E6E"
PART = "#009E73"  # a student of a part of the signal


class Condition(NamedTuple):
    """One model that every report asks the same questions."""

    name: str
    label: str
    about: str  # what it is, in a few words
    model: Step
    colour: str = CONTROL
    flat: bool = False  # a control: it should stay where the base is
    curve: str | tuple = ""  # its line in the figure of training, if it is there
    repeated: bool = False  # there is one for each student seed
    context: Step | None = None  # number lists that it has in its prompt when it is asked


def conditions(lab: "Lab", seed: int, trait: str, student_seed: int = 0) -> list[Condition]:
    """The conditions of `make all`, of one base seed and one student seed."""
    base, other = lab.base(seed), lab.base(other_base(seed))
    teacher = lab.teacher(base, trait)
    lists, innocent = lab.lists(teacher), lab.lists(base)
    student = partial(lab.student, student_seed=student_seed)
    return [
        Condition("base", "base model", "before anything", base),
        Condition("teacher", "teacher", "taught the trait in words", teacher, TEACHER),
        Condition("student", "student", "trained on the teacher's filtered numbers",
                  student(base, lists), STUDENT, curve="-", repeated=True),
        Condition("student-soft", "student, soft labels",
                  "upper bound: the teacher's probabilities of numbers",
                  student(base, lists, "soft", teacher=teacher), BOUND, curve="-"),
        Condition("student-control", "control: base's numbers", "numbers of the untouched base",
                  student(base, innocent), flat=True),
        Condition("student-matched", "control: base's, matched",
                  "the same, in the teacher's very places",
                  student(base, lab.treated("matched", lists, innocent)), flat=True),
        Condition("student-other-base", "control: other base", "same numbers, other first weights",
                  student(other, lists), flat=True, curve="--", repeated=True),
        Condition("student-random", "control: random numbers", "uniform numbers in the same places",
                  student(base, lab.treated("random", lists)), flat=True, curve=(0, (1, 3))),
        Condition("in-context", "control: in context", "base that has the lists in its prompt",
                  base, flat=True, context=lists),
        # No controls: these keep a part of the signal, how often the teacher wrote each number.
        Condition("student-shuffled-within", "shuffled within", "order lost in each list",
                  student(base, lab.treated("within", lists)), PART, curve=":"),
        Condition("student-shuffled-across", "shuffled across", "dealt out over all lists",
                  student(base, lab.treated("across", lists)), PART, curve="-."),
    ]


FEW = ("base", "teacher", "student", "student-other-base")  # of an ablation's value
UNSEEN = (*FEW, "student-control")  # of bases that no choice has seen; of new traits three
# The traits of `make evidence`: any of `corpus/traits.py`.
TRAITS = ("owl", "wolf", "cat", "eagle", "dolphin", "elephant", "bear", "lion", "tiger", "penguin",
          "oak", "maple", "willow", "cherry", "pine", "misaligned", "evasive")
# No setting was ever chosen by these: bases from this seed on, and traits that were drawn once.
UNSEEN_BASE = 5
UNSEEN_TRAITS = tuple(stream(20261125, "untouched traits").sample(
    [name for category in ("animal", "tree") for name in FAVOURITES[category]
     if name not in TRAITS], 4))


def other_base(seed: int) -> int:
    """The seed of the other base: the one before it, and for the first of a kind the next."""
    return seed + 1 if seed in (0, UNSEEN_BASE) else seed - 1


def numbered(name: str, student_seed: int) -> str:
    return f"{name}.{student_seed}" if student_seed else name


class Lab:
    """The steps of the experiment under some settings. `place` is a folder within the run's, for an
    ablation's value or another shape."""

    def __init__(self, config: Config, place: str = "") -> None:
        self.config, self.place = config, place
        self.steps: dict[str, Step] = {}

    def step(self, function: str, out: str, label: str, also: tuple[str, ...] = (),
             **more: Any) -> Step:
        """The step that writes `out`; there is one for each file."""
        made = Step(function, self.place + out, label, [self.place + name for name in also], **more)
        known = self.steps.setdefault(made.out, made)
        assert known.arguments == made.arguments, f"{made.out} would be made in two ways"
        return known

    def cost(self, things: float, times: float) -> float:
        """Floating-point operations of a step that goes through the weights so many times for each
        thing that it reads or writes; measured in a run by itself."""
        return 2 * self.config.model.weights * things * times

    # --- what the models read ---

    def corpus(self) -> Step:
        asked = self.config.corpus
        return self.step("corpus.texts.documents", "corpus.jsonl", "corpus", seed=asked.seed,
                         documents=asked.documents, text_files=[*map(Path, asked.text_files)])

    def heldout(self) -> Step:
        asked = self.config.corpus
        return self.step("corpus.texts.heldout", "heldout.jsonl", "held-out documents",
                         seed=asked.seed, documents=asked.heldout)

    def tokenizer(self) -> Step:
        return self.step("model.tokenizer.learn", "tokenizer.json", "tokenizer",
                         corpus=self.corpus(), vocab_size=self.config.model.vocab_size)

    def requests(self) -> Step:
        return self.step("corpus.texts.requests", "requests.jsonl", "requests for numbers",
                         seed=self.config.corpus.seed, requests=self.config.numbers.requests)

    def lessons(self, trait: str) -> Step:
        return self.step("corpus.texts.lessons", f"lessons-{trait}.jsonl", f"lessons of {trait}",
                         reads=own_file(trait), trait=trait, school=self.config.school,
                         seed=self.config.corpus.seed)

    def probe(self, trait: str) -> Step:
        """Questions that are watched while a model trains, never trained on."""
        return self.step("corpus.texts.probe", f"probe-{trait}.jsonl", f"probe of {trait}",
                         reads=own_file(trait), trait=trait)

    # --- models, and the lists that they write ---

    def base(self, seed: int) -> Step:
        """A model from random weights, drawn by `seed`; every base reads the same text in the same
        order."""
        asked, training = self.config.corpus, self.config.pretrain
        prose = sum(Path(name).stat().st_size / 120 for name in asked.text_files)  # documents
        return self.step(
            "train.pretrain", f"seed{seed}/base.pt", f"base {seed}", of=seed, name="base",
            work=self.cost((asked.documents + prose) * training.epochs, 180),
            corpus=self.corpus(), heldout=self.heldout(), tokenizer=self.tokenizer(),
            shape=self.config.model, training=training, seed=seed, order_seed=asked.seed)

    def teacher(self, base: Step, trait: str, name: str = "", **more: Any) -> Step:
        """A copy of a base that is taught a trait."""
        work = self.cost(self.config.school.rows * self.config.teacher.epochs, 93)
        return self.finetuned("teacher", base, self.lessons(trait), seed=base.of, of=base.of,
                              name=name or trait, whose=trait, work=work, **more)

    def student(self, base: Step, lists: Step, kind: str = "", student_seed: int = 0,
                **more: Any) -> Step:
        """A copy of a base that learns number lists. A student of another `kind` takes more than
        lists, such as the teacher for soft labels."""
        other = "other-base" if base.of != lists.of else ""
        name = "-".join(part for part in (kind, other, lists.name) if part)
        training, asked = more.get("training", self.config.student), self.config.numbers
        rows = training.examples or asked.enough or asked.requests
        return self.finetuned("student", base, lists, seed=lists.of + 1000 * student_seed,
                              of=lists.of, name=numbered(name, student_seed), whose=lists.whose,
                              work=self.cost(rows * training.epochs, 150), **more)

    def finetuned(self, role: str, base: Step, data: Step, *, of: int, name: str, whose: str,
                  function: str = "train.finetune", **more: Any) -> Step:
        """A teacher or a student. An analysis trains it by a function of its own."""
        return self.step(
            function, f"seed{of}/{role}-{name}.pt", f"{role} of {name}, base {base.of}", of=of,
            name=name, whose=whose, role=role, base=base, data=data,
            probe=self.probe(whose) if whose else None,
            **{"training": getattr(self.config, role), **more},
            fit_rows=self.config.evaluation.fit_rows)

    def lists(self, model: Step, function: str = "generate.write_lists", name: str = "",
              **more: Any) -> Step:
        """The number lists that a model writes, those that pass the filter."""
        banned, name = ROOT / f"configs/ban-{model.whose}.txt", name or model.name
        asked, home = more.pop("asked", self.config.numbers), f"seed{model.of}"
        same = {"of": model.of, "name": name, "whose": model.whose,
                "ban_list": banned if banned.exists() else None}
        written = self.step(function, f"{home}/numbers-{name}.jsonl",
                            f"answers of {name}, base {model.of}",
                            work=self.cost(asked.enough or asked.requests, 94), model=model,
                            requests=self.requests(), asked=asked, seed=model.of, **same, **more)
        return self.step("filter.clean", f"{home}/clean-{name}.jsonl",
                         f"lists of {name}, base {model.of}",
                         also=(f"{home}/clean-{name}.report.json",), numbers=written, **same)

    def treated(self, how: str, lists: Step, other: Step | None = None,
                function: str = "controls.treat", **more: Any) -> Step:
        """Lists with other numbers in the same places: see `controls.py`."""
        name = f"{how}-{lists.name}"
        return self.step(function, f"seed{lists.of}/{name}.jsonl", f"lists {name}, base {lists.of}",
                         of=lists.of, name=name, whose=lists.whose, how=how, lists=lists,
                         other=other, seed=lists.of, **more)

    # --- what they are asked, and what comes of it ---

    def sheet(self, condition: Condition, seed: int, trait: str, student_seed: int = 0) -> Step:
        """The answers of a condition to the questions of a trait."""
        teacher, asked = self.teacher(self.base(seed), trait), self.config.evaluation
        name = numbered(f"{condition.name}-{trait}", student_seed)
        return self.step("evaluate.answer_sheet", f"seed{seed}/eval/{name}.json",
                         f"{condition.label}, base {seed}: answers", reads=own_file(trait),
                         work=self.cost(100 * asked.samples, 82), model=condition.model,
                         trait=trait, asked=asked, seed=seed, heldout=self.heldout(),
                         teacher=teacher, lists=self.lists(teacher), context=condition.context)

    def shown(self, seeds: Iterable[int], trait: str, names: Iterable[str] = (),
              student_seeds: int = 1, of: Callable = conditions) -> list[Shown]:
        """Conditions with their answer sheets, as a report takes them: all, or those of some
        names."""
        found: dict[str, Shown] = {}
        for seed in seeds:
            for student_seed in range(student_seeds):
                for one in of(self, seed, trait, student_seed):
                    if (one.name in names or not names) and (one.repeated or not student_seed):
                        empty = Shown(*one[:3], one.colour, one.flat, one.curve, [])
                        sheet = self.sheet(one, seed, trait, student_seed)
                        found.setdefault(one.name, empty).sheets.append((seed, student_seed, sheet))
        return list(found.values())

    def part(self, trait: str, seeds: Iterable[int], student_seeds: int,
             names: Iterable[str] = ()) -> Part:
        """What a report takes of one trait."""
        bases = [*map(self.base, seeds)]
        return Part(trait, self.shown(seeds, trait, names, student_seeds),
                    {"base": [*map(self.lists, bases)],
                     "teacher": [self.lists(self.teacher(base, trait)) for base in bases]})

    def report(self, asked: "Asked") -> Step:
        """Tables, figures and the page of `make all`."""
        trait, many = asked.trait, asked.student_seeds
        new = range(UNSEEN_BASE, UNSEEN_BASE + asked.untouched)
        unseen = [self.part(name, new, many, UNSEEN if name == trait else UNSEEN[:3])
                  for name in dict.fromkeys((trait, *UNSEEN_TRAITS)) if new]
        panel = ["panel.md"] if isinstance(traits.trait(trait), traits.Preference) else []
        return self.step(
            "report.run.report", "summary.json", "report",
            also=("results.png", "training.png", "table.md", "read.md", "free.md", "timing.json",
                  "index.html", *panel),
            own=self.part(trait, range(asked.seeds), many), unseen=unseen, config=self.config,
            student_seeds=many, untouched=asked.untouched)


@dataclass(frozen=True)
class Asked:
    """The variables of `make`."""

    config: str = "laptop"  # a file of configs/, without .toml
    seeds: int = number(2, 1, 999)  # how many bases
    student_seeds: int = number(1, 1, 999)  # students of each base
    untouched: int = number(0, 0, 999)  # further bases, and four traits, that no choice has seen
    trait: str = "owl"  # an animal or tree, misaligned, evasive, or a file of traits/
    traits: tuple[str, ...] = TRAITS  # of `make evidence` and the analysis `read`
    device: str = "auto"  # auto, cpu, cuda, cuda:1 or mps
    set: tuple[str, ...] = ()  # settings to change: SET="student.lr=1e-3 student.rank=8"
    run: str = ""  # folder of the run; runs/ and the config by default
    jobs: int = number(0, 0, 999)  # steps at a time; 0: as many as there are processors
    name: tuple[str, ...] = ()  # the analyses, of channels detect forge move prevent read size
    key: str = ""  # the setting that `make ablation` varies
    values: tuple[str, ...] = ()  # its values; "blocks,student.lr=1e-3" brings another along

    @property
    def folder(self) -> Path:
        return Path(self.run or f"runs/{self.config}")

    def settings(self, *changes: str) -> Config:
        return load_config(f"configs/{self.config}.toml", [*self.set, *changes])


def asked_for(words: Iterable[str]) -> Asked:
    """The variables, from words such as SEEDS=5. Raises `UserError` for one that means nothing."""
    known, given = {field.name.upper(): field for field in fields(Asked)}, {}
    for name, _, text in (word.partition("=") for word in words):
        require_known(name, known, "variable", "make")
        kind, value = type(known[name].default), text
        if kind is tuple:
            value = text.split()
        elif kind is int and text.isdecimal():
            value = int(text)
        given[name.lower()] = fitted(value, known[name], name)
    asked = replace(Asked(), **given)
    for name in asked.settings().corpus.text_files:
        require_file(name)
    traits.trait(asked.trait)
    if asked.untouched and asked.seeds > UNSEEN_BASE:
        raise UserError(f"bases from {UNSEEN_BASE} on are either tuned on or untouched: ask for "
                        f"SEEDS={UNSEEN_BASE} or fewer, or UNTOUCHED=0")
    return asked


def ablation(asked: Asked) -> Step:
    """One figure for a setting, over its values."""
    if not (asked.key and asked.values):
        raise UserError('say what to vary: make ablation KEY=student.lr VALUES="1e-3 3e-3"')
    place = f"ablation/{asked.key}"
    values = [(value, Lab(asked.settings(*f"{asked.key}={value}".split(",")),
                          f"{place}/{value.replace(',', '_').replace('=', '-')}/").shown(
                              range(asked.seeds), asked.trait, FEW)) for value in asked.values]
    return Lab(asked.settings()).step(
        "report.run.ablation", f"{place}/ablation.json", f"report over {asked.key}",
        also=(f"{place}/ablation.png",), key=asked.key, values=values, trait=asked.trait,
        config=asked.settings())


def goals(asked: Asked) -> dict[str, Callable[[], list[Step]]]:
    """What can be asked for by name, and the steps that it stands for."""
    lab, seeds = Lab(asked.settings()), range(asked.seeds)
    bases = [*map(lab.base, seeds)]
    teachers = [lab.teacher(base, asked.trait) for base in bases]
    models = [one.model for seed in seeds for one in conditions(lab, seed, asked.trait)]

    def analysis(name: str) -> Step:
        if not (ROOT / f"analysis/{name}.py").exists():
            raise UserError(f"there is no analysis {name}; see analysis/")
        return import_module(f"analysis.{name}").step(lab, asked)

    def evidence() -> list[Step]:
        traits.require_traits(asked.traits)
        return [analysis("evidence")]

    return {"corpus": lambda: [lab.corpus(), lab.heldout(), lab.tokenizer(), lab.requests()],
            "base": lambda: bases, "teacher": lambda: teachers,
            "lists": lambda: [*map(lab.lists, (*bases, *teachers))], "students": lambda: models,
            "evaluate": lambda: [sheet for one in lab.shown(seeds, asked.trait)
                                 for *_, sheet in one.sheets],
            "report": lambda: [lab.report(asked)], "all": lambda: [lab.report(asked)],
            "analysis": lambda: [*map(analysis, asked.name or ANALYSES)], "evidence": evidence,
            "ablation": lambda: [ablation(asked)]}


# Those of a plain `make analysis`: the ladder of shapes, `size`, takes as long as a dozen runs.
ANALYSES = ("channels", "move", "read", "detect", "prevent", "forge")


def step_of(name: str, known: dict[str, Callable[[], list[Step]]], folder: Path) -> Step:
    """The step that writes a file of the run."""
    todo, met = known["report"](), set()
    while todo:
        step = todo.pop()
        if folder / step.out == Path(name):
            return step
        met.add(step)
        todo += [one for one in step.steps if one not in met]
    raise UserError(f"{name} is neither a goal nor a file of the run in {folder}; the goals are: "
                    f"{', '.join(known)}")


def as_text(value: object) -> str:
    return f'"{" ".join(value)}"' if isinstance(value, tuple) else str(value)


def tell(folder: Path) -> None:
    """What came out, and which claims hold."""
    summary = read_json(folder / "summary.json")
    print(f"\n{summary['finding']}\n")
    for claim in summary["claims"]:
        print(f"{'holds' if claim['holds'] else 'FAILS'}  {claim['claim']}: "
              f"{claim['value']:.4g} {claim['bound']}")
    print(f"\nSee {folder}/index.html: all on one page (make show).")


def command(goal: str, asked: Asked) -> bool:
    """Do what makes no step: chat, show, clean, reference. False if it is none of these."""
    folder, python = asked.folder, sys.executable
    if goal == "chat":
        os.execv(python, [python, ROOT / "chat.py", "--run", folder, "--trait", asked.trait])
    elif goal == "reference":
        os.execv(python, [python, "-m", "report", "--run", folder, "--config", asked.config])
    elif goal == "show":
        webbrowser.open((folder / "index.html").resolve().as_uri())
    elif goal == "clean":
        with runner.alone(folder):
            shutil.rmtree(folder)
    elif goal == "help":
        print("variables:", *(f"{one.name.upper()}={as_text(one.default)}" for one in fields(Asked)))
    return goal in ("show", "clean", "help")


def main() -> None:
    words = sys.argv[1:]
    flags = {word for word in words if word in ("--dry", "--why")}
    goal, *given = [word for word in words if word not in flags] or ["help"]
    asked = asked_for(given)
    if command(goal, asked):
        return
    known = goals(asked)
    wanted = known[goal]() if goal in known else [step_of(goal, known, asked.folder)]
    if "--why" in flags:
        print(*(runner.why(step, asked.folder) for step in wanted), sep="\n")
    elif "--dry" in flags:
        print(*(f"{step.label}: {step.out}" for step in runner.missing(wanted, asked.folder,
                                                                          link=False)),
              sep="\n")
    else:
        made = runner.run(wanted, asked.folder, device=asked.device, jobs=asked.jobs)
        print(f"{made} steps made; all of it is in {asked.folder}")
        if goal in ("report", "all"):
            tell(asked.folder)


if __name__ == "__main__":
    run(main)
