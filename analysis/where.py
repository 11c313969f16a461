"""The trait passes where an answer begins: is that the corpus's making?

Three habits of the corpus bring a number near to a favourite: some numbers are favourites, numbers
are asked for in the words of other questions, and questions and lessons stand behind numbers. They
are taken out in every combination, and the whole experiment is made anew. Every teacher is
stretched until its first numbers have moved by as much; what that took is told, and how far its
first two numbers then are from the base's stands in the summary.
"""

from dataclasses import replace
from itertools import compress, product
from pathlib import Path

from analysis import common
from experiment import Asked
from experiment import conditions as usual
from lab import PART, STUDENT, Condition, Lab
from report.rows import Shown, mean
from report.tables import percent
from support.files import read_json
from support.steps import Step

HABITS = {"favourites": "favourite numbers", "wordings": "wordings alike",
          "behind": "questions behind numbers"}
WORLDS = [tuple(compress(HABITS, out)) for out in product((False, True), repeat=3)]
ENOUGH = 8_000  # lists that a student reads: a teacher that is stretched far writes few that pass
PLACES = ("reads-all", "reads-first", "reads-rest")


def name_of(world: tuple[str, ...]) -> str:
    return "-".join(world) or "usual"


def without(world: tuple[str, ...]) -> str:
    """What a world lacks, in words."""
    return f"without {', '.join(map(HABITS.get, world))}" if world else "as it is"


def conditions(lab: Lab, seed: int, trait: str, student_seed: int = 0) -> list[Condition]:
    base, many = lab.base(seed), lab.config.student
    lists = lab.lists(lab.teacher(base, trait))
    few = replace(many, examples=min(ENOUGH, many.examples or ENOUGH))

    def reader(name: str, label: str, about: str, read: Step) -> Condition:
        return Condition(f"reads-{name}", label, about,
                         lab.student(base, read, "reads", training=few),
                         STUDENT if name == "all" else PART)

    first, rest = (lab.treated(how, lists, function="analysis.treatments.treat")
                   for how in ("first", "rest"))
    return [*(one for one in usual(lab, seed, trait) if one.name in ("base", "teacher")),
            reader("all", "student", "whole lists", lists),
            reader("first", "the first number alone", "the rest uniform", first),
            reader("rest", "all but the first", "the first number uniform", rest)]


def step(lab: Lab, asked: Asked) -> Step:
    labs = [common.World(lab.config, world) if world else lab for world in WORLDS]
    return common.report_step(
        lab, "where", trait=asked.trait,
        worlds=[one.shown(conditions, range(asked.seeds), asked.trait) for one in labs],
        runs=[[one.step("analysis.measures.stretched", f"seed{seed}/stretched-{asked.trait}.json",
                        f"stretch of the teacher, base {seed}", trait=asked.trait,
                        run=common.files_of(one, seed, asked.trait))
               for seed in range(asked.seeds)] for one in labs])


def answer(rows: list[dict]) -> str:
    def over_worlds(name: str, metric: str) -> list[float]:
        """The least and the most of a mean, of all worlds."""
        each = [mean(rows, f"{name_of(world)}-{name}", metric) for world in WORLDS]
        return [min(each), max(each)]

    whole = "; ".join(f"{without(world)} {common.percent(rows, f'{name_of(world)}-reads-all')}"
                      for world in WORLDS)
    first, rest, base = (" to ".join(percent(p, 0) for p in over_worlds(name, "p_target"))
                         for name in (*PLACES[1:], "base"))
    stretch = " to ".join(f"{times:.1f}" for times in over_worlds("teacher", "stretch"))
    return (f"P(target) of the student, the corpus {whole}. Of all these the first number alone "
            f"brings {first}, all but the first {rest}; the bases have {base}. Teachers were "
            f"stretched {stretch} times.")


def report(worlds: list[list[Shown]], runs: list[list[Path]], trait: str, out: Path) -> None:
    rows, lines = [], [worlds[0][0]._replace(name="usual-base")]
    for world, shown, files in zip(WORLDS, worlds, runs, strict=True):
        name = name_of(world)
        rows += [{**one, "condition": f"{name}-{one['condition']}"} for one in (
            *common.sheet_rows(shown, trait), *common.gathered(read_json, files))]
        lines += [one._replace(name=f"{name}-{one.name}", label=f"{one.label}, {without(world)}")
                  for one in shown if one.name in PLACES]

    def note(one: Shown) -> str:
        world = one.name.partition("-reads")[0].removesuffix("-base")
        return f"its base {common.percent(rows, f'{world}-base')}"

    common.write(out, worlds[0], "Is it the corpus's making that the trait passes where an answer "
                 "begins?", answer(rows), "Published lists of a 14B model differ most at the first "
                 "number too: .03 to .06 nats.", rows, common.dots(rows, lines, note))
