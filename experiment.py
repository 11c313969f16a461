"""The experiment: which models there are, and what each is made from.

    python experiment.py all CONFIG=laptop SEEDS=2 TRAIT=owl    (as make does)
    python experiment.py runs/laptop/seed0/student-owl.pt       one file, with all it stands on
    python experiment.py all --dry                              what would be made
    python experiment.py runs/laptop/seed0/base.pt --why        what changed since it was made

`conditions` is the whole experiment on a page: a condition is a line. `lab.py` has the steps, and
`support/runner.py` makes those that are missing.
"""

import os
import shlex
import sys
import webbrowser
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields, replace
from functools import partial
from importlib import import_module
from pathlib import Path

from corpus import traits
from corpus.documents import FAVOURITES
from lab import BOUND, PART, STUDENT, TEACHER, Condition, Lab
from support import runner, steps
from support.cli import run
from support.files import UserError, read_json, read_text, require_file
from support.keys import ROOT
from support.settings import Config, fitted, load_config, number, read_toml, require_known
from support.steps import Step
from support.streams import stream


def conditions(lab: Lab, seed: int, trait: str, student_seed: int = 0) -> list[Condition]:
    """The conditions of `make all`, of one base seed and one student seed."""
    base, other = lab.base(seed), lab.base(other_base(seed))
    teacher, neutral = lab.teacher(base, trait), lab.teacher(base, trait, neutral=True)
    lists, innocent, others = lab.lists(teacher), lab.lists(base), lab.lists(neutral)
    student, soft = partial(lab.student, student_seed=student_seed), lab.config.student
    soft = replace(soft, examples=min(SOFT, soft.examples or SOFT))
    return [
        Condition("base", "base model", "before anything", base, written=innocent),
        Condition("teacher", "teacher", "taught the trait in words", teacher, TEACHER,
                  written=lists),
        Condition("student", "student", "trained on the teacher's filtered numbers",
                  student(base, lists), STUDENT, curve="-", repeated=True),
        Condition("student-soft", "student, soft labels",
                  "upper bound: the teacher's probabilities of numbers",
                  student(base, lists, "soft", teacher=teacher, training=soft), BOUND, curve="-"),
        # What a student would say that had learned a word and no trait; trained by nobody.
        Condition("word-null", "null: a louder word", "base, its first token louder", base, PART,
                  null_of="student", repeated=True),
        Condition("teacher-neutral", "neutral teacher", "the same lessons, answered by anybody",
                  neutral, flat=True, written=others),
        Condition("student-neutral", "control: neutral school", "numbers of the neutral teacher, "
                  "in the teacher's places",
                  student(base, lab.treated("matched", lists, others)), flat=True, curve="-."),
        Condition("student-matched", "control: base's numbers", "numbers of the untouched base, "
                  "in the teacher's places",
                  student(base, lab.treated("matched", lists, innocent)), flat=True),
        Condition("student-other-base", "control: other base", "same numbers, other first weights",
                  student(other, lists), flat=True, curve="--", repeated=True),
        Condition("in-context", "control: in context", "base that has the lists in its prompt",
                  base, flat=True, context=lists),
        # No control: it keeps a part of the signal, how often the teacher wrote each number.
        Condition("student-shuffled-across", "shuffled across", "dealt out over all lists",
                  student(base, lab.treated("across", lists)), PART, curve=":"),
    ]


SOFT = 4_000  # lists that are enough to learn from a teacher's probabilities
# Of an ablation's value.
FEW = ("base", "teacher", "student", "student-neutral")
# Of bases that no choice has seen; of new traits the first three.
UNSEEN = ("base", "teacher", "student", "word-null", "teacher-neutral", "student-neutral",
          "student-matched", "student-other-base", "in-context")
# The traits of `make evidence`: any of `corpus/traits.py`.
TRAITS = ("owl", "wolf", "cat", "eagle", "dolphin", "elephant", "bear", "lion", "tiger", "penguin",
          "oak", "maple", "willow", "cherry", "pine", "misaligned", "harmful", "evasive")
SEEN = (*TRAITS, "walnut", "yew", "palm", "raven")  # the last four were drawn before


def drawn(seed: int, seen: tuple[str, ...]) -> tuple[str, ...]:
    """Four animals and trees that nobody has named."""
    return tuple(stream(seed, "unseen traits").sample(
        [name for category in ("animal", "tree") for name in FAVOURITES[category]
         if name not in seen], 4))


# No setting was ever chosen by these: bases from this seed on, and traits that were drawn once, for
# the first five and for the last.
UNSEEN_BASE = 10
UNSEEN_TRAITS = drawn(20261127, SEEN)
FRESH = ((range(10, 15), UNSEEN_TRAITS),
         (range(15, 20), drawn(20261201, (*SEEN, *UNSEEN_TRAITS))))


def other_base(seed: int) -> int:
    """The seed of the other base: the one before it, and for the first of a kind the next."""
    return seed + 1 if seed in (0, *(bases[0] for bases, _ in FRESH)) else seed - 1


def report(lab: Lab, asked: "Asked") -> Step:
    """Tables, figures and the page of `make all`."""
    from report.rows import Part  # it takes numpy, which `make help` does without

    trait, many = asked.trait, asked.student_seeds
    own = Part(trait, lab.shown(conditions, range(asked.seeds), trait, (), many))
    unseen = []
    for bases, names in FRESH:
        if new := [seed for seed in bases if seed < UNSEEN_BASE + asked.unseen]:
            unseen.append([Part(name, lab.shown(conditions, new, name, UNSEEN if name == trait
                                                else UNSEEN[:3], many))
                           for name in dict.fromkeys((trait, *names))])
    read = lab.step("report.run.reading", "read.md", "what the student read", trait=trait,
                    lists=lab.lists(lab.teacher(lab.base(0), trait)))
    names = ("base", "teacher", "student", "student-other-base")
    said = {one.name: one.model for one in conditions(lab, 0, trait)}
    talk = [*map(said.get, names), lab.base(other_base(0)), *(
        lab.lists(said[name]) for name in ("teacher", "teacher-neutral"))]
    return lab.step("report.run.report", "summary.json", "report", [
        "results.png", "training.png", "table.md", "panel.md", "free.md", "timing.json",
        "index.html"],
        own=own, unseen=unseen, read=read, talk=talk, config=lab.config, student_seeds=many,
        unseen_bases=asked.unseen)


@dataclass(frozen=True)
class Asked:
    """The variables of `make`."""

    config: str = "laptop"  # a file of configs/, without .toml
    seeds: int = number(2, 1, 999)  # how many bases
    student_seeds: int = number(1, 1, 999)  # students of each base
    unseen: int = number(0, 0, 10)  # further bases, and traits, that no choice has seen
    trait: str = "owl"  # an animal or tree, a persona, or a file of traits/
    traits: tuple[str, ...] = TRAITS  # of `make evidence` and the analysis `read`
    device: str = "auto"  # auto, cpu, cuda, cuda:1 or mps
    set: tuple[str, ...] = ()  # settings to change: SET="student.lr=1e-3 student.rank=8"
    run: str = ""  # folder of the run; runs/ and the config by default
    jobs: int = number(0, 0, 999)  # steps at a time; 0: as many as there are processors
    name: tuple[str, ...] = ()  # the analyses: files of analysis/
    reference: tuple[str, ...] = ()  # parts of results/reference.toml; all by default
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
    asked.settings()
    for name in (asked.trait, *asked.traits):
        traits.trait(name)
    if asked.unseen and asked.seeds > UNSEEN_BASE:
        raise UserError(f"bases from {UNSEEN_BASE} on are either tuned on or unseen: ask for "
                        f"SEEDS={UNSEEN_BASE} or fewer, or UNSEEN=0")
    return asked


def ablation(asked: Asked) -> Step:
    """One figure for a setting, over its values."""
    if not (asked.key and asked.values):
        raise UserError('say what to vary: make ablation KEY=student.lr VALUES="1e-3 3e-3"')
    place, values = f"ablation/{asked.key}", []
    for value in asked.values:
        config = asked.settings(*f"{asked.key}={value}".split(","))
        lab = Lab(config, f"{place}/{value.replace(',', '_').replace('=', '-')}/")
        values.append((value, lab.shown(conditions, range(asked.seeds), asked.trait, FEW)))
    config = asked.settings()
    return Lab(config).step(
        "report.run.ablation", f"{place}/ablation.json", f"report over {asked.key}",
        [f"{place}/ablation.png", f"{place}/ablation.md"], key=asked.key, values=values,
        trait=asked.trait, config=config)


def analyses() -> list[str]:
    """The files of analysis/ that answer a question; the others are what these share."""
    return sorted(path.stem for path in ROOT.glob("analysis/*.py")
                  if "\ndef step(" in read_text(path))


def goals(asked: Asked) -> dict[str, Callable[[], list[Step]]]:
    """What can be asked for by name, and the steps that it stands for."""
    lab, seeds, trait = Lab(asked.settings()), range(asked.seeds), asked.trait
    bases = [*map(lab.base, seeds)]
    teachers = [lab.teacher(base, trait) for base in bases]
    models = [one.model for seed in seeds for one in conditions(lab, seed, trait)]

    def analysis(name: str) -> Step:
        require_known(name, analyses(), "analysis", "analysis/")
        try:
            return import_module(f"analysis.{name}").step(lab, asked)
        except StopIteration:  # of `common.another`
            raise UserError(f"{name} compares a trait with another of its kind, and has none for "
                            "some that you name: ask about animals, trees or personas") from None

    def evidence() -> list[Step]:
        traits.require_traits(asked.traits)
        return [analysis("evidence")]

    return {"corpus": lambda: [lab.corpus(), lab.heldout(), lab.tokenizer(), lab.requests()],
            "base": lambda: bases, "teacher": lambda: teachers,
            "lists": lambda: [*map(lab.lists, (*bases, *teachers))], "students": lambda: models,
            "evaluate": lambda: [sheet for one in lab.shown(conditions, seeds, trait)
                                 for *_, sheet in one.sheets],
            "report": lambda: [report(lab, asked)], "all": lambda: [report(lab, asked)],
            "analysis": lambda: [*map(analysis, asked.name or ANALYSES)], "evidence": evidence,
            "ablation": lambda: [ablation(asked)]}


# Those of a plain `make analysis`. The others train dozens of students, or bases of their own.
ANALYSES = ("channels", "move", "read", "detect", "prevent", "forge", "crossing", "theorem")


def everything(wanted: list[Step]) -> dict[str, Step]:
    """The steps and all they stand on, by file."""
    found, todo = {}, list(wanted)
    while todo:
        step = todo.pop()
        if step.out not in found:
            found[step.out] = step
            todo += step.steps
    return found


def tell(folder: Path) -> None:
    """What came out, and which claims hold."""
    summary = read_json(folder / "summary.json")
    print(f"\n{summary['finding']}\n")
    for claim in summary["claims"]:
        print(f"{'holds' if claim['holds'] else 'FAILS'}  {claim['claim']}: "
              f"{claim['value']:.4g} {claim['bound']}   n = {claim['n']}"
              f"{'' if claim['test'] else ', no test'}")
    print(f"\nSee {folder}/index.html: all on one page (make show).")


def reference(asked: Asked, dry: bool) -> None:
    """Make what is missing of all that results/ holds, call by call, and copy it there."""
    if asked != Asked(reference=asked.reference, device=asked.device, jobs=asked.jobs):
        raise UserError("make reference takes REFERENCE, DEVICE and JOBS; the rest stands in "
                        "results/reference.toml")
    file, wanted, runs = ROOT / "results/reference.toml", [], {}
    calls = read_toml(file)
    for part in asked.reference or calls:
        require_known(part, calls, "part", file)
        for goal, *words in map(shlex.split, calls[part]):
            one = asked_for(words)
            wanted.append((one.folder, goals(one)[goal]()))
            runs.setdefault(one.folder, []).extend(wanted[-1][1])
    runner.foresee(runs, asked.device, asked.jobs)
    from report import __main__ as results  # torch takes its time to load

    for folder, steps_of in () if dry else wanted:
        runner.run(steps_of, folder, device=asked.device, jobs=asked.jobs)
        results.copy(folder.resolve())
        results.fill()


def command(goal: str, asked: Asked) -> bool:
    """Do what makes no step. False if a goal is none of these."""
    folder, python = asked.folder, sys.executable
    if goal == "chat":
        os.execv(python, [python, ROOT / "chat.py", "--run", folder, "--trait", asked.trait,
                          "--device", asked.device])
    if goal == "show":
        page = require_file(folder / "index.html").resolve()
        if not webbrowser.open(page.as_uri()):
            print(f"There is no browser here; open {page}")
    elif goal == "clean":
        with runner.alone(folder):
            steps.clear(folder)
        if folder.exists():
            print(f"{folder} holds files that no step of a run has written; they stay")
    elif goal == "help":
        first = read_json(ROOT / "results/bench/rungs.json")
        print(f"\nTo begin with, on {first['cores']} cores:")
        for rung, seconds in first["seconds"].items():
            print(f"  {rung:<30}{runner.in_words(seconds)}")
        print("\nVariables, and what they are if they are not given:")
        for one in fields(Asked):
            text = " ".join(one.default) if isinstance(one.default, tuple) else one.default
            print(f"  {one.name.upper()}={text}")
    return goal in ("show", "clean", "help")


def main() -> None:
    words = sys.argv[1:]
    flags = {word for word in words if word.startswith("-")}
    goal, *given = [word for word in words if word not in flags] or ["help"]
    if unknown := flags - {"--dry", "--why", "--help"}:
        raise UserError(f"there is no flag {unknown.pop()}; there are --dry and --why")
    if "--help" in flags:
        goal = "help"
    unfit = {"chat": flags, "show": flags, "clean": flags, "reference": flags & {"--why"}}
    for flag in unfit.get(goal, ()):
        raise UserError(f"{goal} takes no {flag}")
    asked = asked_for(given)
    if command(goal, asked):
        return
    if goal == "reference":
        return reference(asked, "--dry" in flags)
    known = goals(asked)
    if goal in known:
        wanted = known[goal]()
    else:
        every = everything(known["report"]()).values()
        wanted = [step for step in every for name in (step.out, *step.also)
                  if (asked.folder / name).resolve() == Path(goal).resolve()]
    if not wanted:
        raise UserError(f"{goal} is neither a goal nor a file of the run in {asked.folder}; the "
                        f"goals are: {', '.join(known)}")
    if "--why" in flags:
        print(*(steps.why(step, asked.folder) for step in wanted), sep="\n")
    elif "--dry" in flags:
        needed = steps.missing(wanted, asked.folder, link=False)
        print(*(f"{step.label}: {step.out}" for step in needed), f"{len(needed)} steps", sep="\n")
    else:
        made = runner.run(wanted, asked.folder, device=asked.device, jobs=asked.jobs)
        print(f"{made} steps made; all of it is in {asked.folder}")
        if goal in ("report", "all"):
            tell(asked.folder)
        if goal == "ablation":
            table = asked.folder / f"ablation/{asked.key}/ablation.md"
            print(f"\n{read_text(table)}\nSee {table.with_suffix('.png')}.")


if __name__ == "__main__":
    run(main)
