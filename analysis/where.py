"""The trait passes where an answer begins: is that the corpus's making?

Three habits of the corpus bring a number near to a favourite: some numbers are favourites, numbers
are asked for in the words of other questions, and questions and lessons stand behind numbers. Each
is taken out, and all of them, and the whole experiment is made anew.
"""

from functools import partial
from itertools import compress, product
from pathlib import Path

from analysis import common
from analysis.worlds import World
from experiment import Asked
from experiment import conditions as usual
from lab import PART, Condition, Lab
from report.rows import Shown
from support.steps import Step

HABITS = {"favourites": "favourite numbers", "wordings": "wordings alike",
          "behind": "questions behind numbers"}
WORLDS = [tuple(compress(HABITS, out)) for out in product((False, True), repeat=3)]
PLACES = ("student", "student-first", "student-rest")


def name_of(world: tuple[str, ...]) -> str:
    return "-".join(world) or "usual"


def without(world: tuple[str, ...]) -> str:
    """What a world lacks, in words."""
    return f"without {', '.join(map(HABITS.get, world))}" if world else "as it is"


def conditions(lab: Lab, seed: int, trait: str, student_seed: int = 0) -> list[Condition]:
    base = lab.base(seed)
    part = partial(common.treated, lab, base, lab.lists(lab.teacher(base, trait)))
    return [*(one for one in usual(lab, seed, trait) if one.name in ("base", "teacher", "student")),
            part("first", "the first number alone", "the rest uniform"),
            part("rest", "all but the first", "the first number uniform")]


def step(lab: Lab, asked: Asked) -> Step:
    labs = [World(lab.config, world) if world else lab for world in WORLDS]
    return lab.step("analysis.where.report", "analysis/where/summary.json", "analysis: where",
                    ("analysis/where/where.png",), trait=asked.trait,
                    worlds=[one.shown(conditions, range(asked.seeds), asked.trait) for one in labs])


def answer(rows: list[dict]) -> str:
    def said(world: tuple[str, ...]) -> str:
        whole, first, rest = (common.percent(rows, f"{name_of(world)}-{name}") for name in PLACES)
        return f"{whole} (the first number alone {first}, all but the first {rest})"

    each = "; ".join(f"{without(world)} {said(world)}" for world in WORLDS)
    return f"P(target) of the student, the corpus {each}."


def report(worlds: list[list[Shown]], trait: str, out: Path) -> None:
    rows, lines = [], []
    for world, shown in zip(WORLDS, worlds, strict=True):
        name = name_of(world)
        rows += [{**one, "condition": f"{name}-{one['condition']}"}
                 for one in common.sheet_rows(shown, trait)]
        lines += [one._replace(name=f"{name}-{one.name}", colour=one.colour if one.name == "student"
                               else PART, label=f"{one.label}, {without(world)}")
                  for one in shown if one.name in PLACES]

    def note(one: Shown) -> str:
        world = one.name.rpartition("-student")[0]
        return f"its base {common.percent(rows, f'{world}-base')}"

    common.write(out, worlds[0], "Is it the corpus's making that the trait passes where an answer "
                 "begins?", answer(rows), "Published lists of a 14B model differ most at the first "
                 "number too: .03 to .06 nats.", rows, common.dots(rows, lines, note))
