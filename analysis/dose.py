"""How much does it take? The trait by how many lists a student reads, once or several times.

The law is a line: the logit of P by the logarithm of the number of lists, base by base.
"""

import math
from dataclasses import replace
from pathlib import Path
from statistics import linear_regression

import matplotlib.pyplot as plt

from analysis import common
from experiment import Asked, other_base
from lab import CONTROL, PART, STUDENT, Condition, Lab
from report import figures
from report.rows import Shown, need, row
from report.stats import interval, logit
from support.steps import Step

DOSES = tuple(2.0**i for i in range(-5, 3))  # of the lists that a student of the run reads
AGAIN, TIMES = 0.75, (2, 4, 8)  # so many, several times


def conditions(lab: Lab, seed: int, trait: str) -> list[Condition]:
    config, base, stranger = lab.config, lab.base(seed), lab.base(other_base(seed))
    whole = config.student.examples or config.numbers.enough
    numbers = replace(config.numbers, enough=round(1.05 * max(DOSES) * whole))

    def reads(kind: str, share: float, reader: Step = base, neutral: bool = False,
              times: int = 1) -> Condition:
        teacher, many = lab.teacher(base, trait, neutral=neutral), round(share * whole)
        plenty = lab.lists(teacher, name=f"dose-{teacher.name}", asked=numbers)
        training = replace(config.student, examples=many, epochs=times)
        return Condition(f"{kind}-{many * times}", f"{kind}, {many:,} lists", f"{times} times",
                         lab.student(reader, plenty, f"{kind}-{many}-{times}", training=training),
                         PART)

    return [*(reads("once", share) for share in DOSES),
            *(reads("again", AGAIN, times=times) for times in TIMES),
            *(reads("neutral", share, neutral=True) for share in (1, max(DOSES))),
            reads("neutral", AGAIN, neutral=True, times=max(TIMES)),
            *(reads("other", share, stranger) for share in (1, max(DOSES)))]


def step(lab: Lab, asked: Asked) -> Step:
    return common.analysis_step(lab, asked, "dose", ("base", "student-soft"), conditions,
                                files=None)


def doses(rows: list[dict], kind: str) -> dict[int, dict]:
    """The row of each number of lists that students of a kind have read."""
    return {int(one["condition"].rpartition("-")[2]): one for one in rows
            if one["metric"] == "p_target" and one["condition"].startswith(f"{kind}-")}


def slopes(found: dict[int, dict]) -> list[float]:
    """By how much the logit of P rises when the lists double, of each base: between 5 and 95 %,
    which leaves out where nothing is learned yet and where little is left to learn."""
    each = zip(*(one["runs"] for one in found.values()), strict=True)
    lines = ([(math.log2(many), logit(p)) for many, p in zip(found, runs, strict=True)
              if 0.05 <= p <= 0.95] for runs in each)
    return [linear_regression(*zip(*line, strict=True)).slope for line in lines if len(line) > 1]


def draw(rows: list[dict]) -> plt.Figure:
    figures.style()
    figure, axis = plt.subplots(figsize=(8.6, 4.2))
    kinds = (
        ("once", "each list once", "o-"), ("again", "some, several times", "s--"),
        ("neutral", "a neutral teacher's", "x:"), ("other", "another base", "^:"))
    for kind, label, line in kinds:
        found = doses(rows, kind)
        for runs in zip(*(one["runs"] for one in found.values()), strict=True):  # a base each
            axis.plot([*found], [100 * p for p in runs], "-", lw=0.6, color=CONTROL)
        axis.plot([*found], [100 * one["mean"] for one in found.values()], line, ms=4, label=label,
                  color=STUDENT if kind == "once" else None)
    axis.axhline(100 * need(rows, "student-soft", "p_target")["mean"], ls=":", lw=1,
                 label="soft labels, of fewer lists")
    axis.set(xscale="log", xlabel="lists read", ylabel="P(target), %")
    axis.set_xticks([*doses(rows, "once")], [f"{many:,}" for many in doses(rows, "once")])
    axis.minorticks_off()
    axis.legend(frameon=False, fontsize=8)
    return figure


def answer(rows: list[dict]) -> str:
    law = ""
    for one in (one for one in rows if one["metric"] == "slope"):
        band = f" [{one['ci95'][0]:+.2f}, {one['ci95'][1]:+.2f}]" if one["ci95"] else ""
        each = ", ".join(f"{slope:+.2f}" for slope in one["runs"])
        law = (f" Between 5 and 95 % each doubling adds {one['mean']:+.2f}{band} to the logit, "
               f"base by base {each}.")
    once, again = doses(rows, "once"), doses(rows, "again")
    few, *_, many = once.values()
    return (f"{min(once):,} lists bring it to {100 * few['mean']:.0f} %, {max(once):,} to "
            f"{100 * many['mean']:.0f} %.{law} {min(again) // min(TIMES):,} lists, read "
            f"{max(TIMES)} times, bring it to {100 * again[max(again)]['mean']:.0f} %; a neutral "
            f"teacher's, as many and as often, to at most "
            f"{100 * max(one['mean'] for one in doses(rows, 'neutral').values()):.0f} %, another "
            f"base to {100 * max(one['mean'] for one in doses(rows, 'other').values()):.0f} %.")


def report(conditions: list[Shown], runs: list[dict], trait: str, out: Path) -> None:
    # No KL to the teacher: the most lists hold those that it is told by.
    rows = common.sheet_rows(conditions, trait, ("p_target", "capability"))
    if found := slopes(doses(rows, "once")):
        rows.append(row("once", trait, "slope", found, x=None) | {"ci95": interval(found)})
    common.write(out, conditions, "How much does it take?", answer(rows),
                 "Published: 160M weights, logit +.10 to +1.37 from 16 to 5,120 updates; 7B, 2 % "
                 "at 25,700 lists and 66 % at 250,000.", rows, draw(rows))
