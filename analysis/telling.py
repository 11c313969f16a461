"""Do some lists say more than others? The fifth that says most of its teacher, and the least.

A list says much that is likelier to the teacher than to the base. A neutral teacher's lists are
chosen by that teacher's own likelihood.
"""

from dataclasses import replace
from pathlib import Path
from statistics import fmean

from analysis import common
from controls import clean_rows
from experiment import Asked, other_base
from lab import PART, STUDENT, Condition, Lab
from report.rows import Shown, mean, row
from support.steps import Step

MANY = 3.6  # times the lists of a run are written, of which a fifth is chosen


def conditions(lab: Lab, seed: int, trait: str) -> list[Condition]:
    base, stranger = lab.base(seed), lab.base(other_base(seed))
    numbers = replace(lab.config.numbers, enough=round(MANY * lab.config.numbers.enough))
    training = replace(lab.config.student, examples=0)

    def reads(name: str, label: str, how: str, reader: Step = base,
              neutral: bool = False) -> Condition:
        teacher = lab.teacher(base, trait, neutral=neutral)
        fifth = f"fifth-{how}-{teacher.name}"
        plenty = lab.lists(teacher, name=f"fifths-{teacher.name}", asked=numbers)
        made = lab.step("analysis.chosen.fifth", f"seed{seed}/{fifth}.jsonl",
                        f"lists {fifth}, base {seed}", of=seed, name=fifth, whose=teacher.whose,
                        how=how, lists=plenty, base=base, teacher=teacher, seed=seed)
        return Condition(name, label, "a fifth of the lists",
                         lab.student(reader, made, training=training),
                         STUDENT if how == "any" and not neutral else PART)

    return [reads("most", "what says most", "most"), reads("any", "any", "any"),
            reads("least", "what says least", "least"),
            reads("most-other", "what says most, to another base", "most", stranger),
            reads("most-neutral", "what says most of a neutral teacher", "most", neutral=True)]


def step(lab: Lab, asked: Asked) -> Step:
    return common.analysis_step(lab, asked, "telling", ("base",), conditions)


def report(conditions: list[Shown], runs: list[dict], trait: str, out: Path) -> None:
    # No KL to the teacher: some fifths hold the lists that it is told by.
    rows = common.sheet_rows(conditions, trait, ("p_target", "capability"))
    rows += [row(name, trait, "numbers", [fmean(len(one["numbers"]) for one in clean_rows(
        run["data"][name])) for run in runs], x=None) for name in runs[0]["data"]]
    long = [f"{mean(rows, how, 'numbers'):.1f}" for how in ("most", "any", "least")]
    most, any_, least, other, neutral = (common.percent(rows, one.name) for one in conditions[1:])
    common.write(
        out, conditions, "Do some lists say more than others?",
        f"The fifth of the lists that says most brings it to {most}, a fifth drawn by chance to "
        f"{any_}, the fifth that says least to {least}; the fifth that says most brings another "
        f"base to {other}, and of a neutral teacher, chosen alike, to {neutral}. The lists hold "
        f"{', '.join(long)} numbers each.",
        "Published, a model of 14B, most / any / least: eagle 100 / 65 / 22, lion 31 / 0 / 0 %.",
        rows, common.dots(rows, conditions, lambda one: one.about))
