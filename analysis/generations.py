"""How far does it go? Students that write lists for the next student, each from the same base.

The first is the student of `make all`. The next read the lists of the one before: as it is;
stretched, as the first teacher was; or behind a neutral school, in which everything else is taught
again. For comparison the same of a neutral teacher, each stretched by as much as its twin.
"""

from pathlib import Path

import matplotlib.pyplot as plt

from analysis import common
from experiment import Asked
from lab import CONTROL, PART, STUDENT, Condition, Lab
from report import figures
from report.rows import Shown, need
from support.steps import Step

MANY = 4
KINDS = {"plain": ("as they are", STUDENT), "stretched": ("stretched before they write", PART),
         "washed": ("a neutral school behind the first", CONTROL),
         "neutral": ("of a neutral teacher", CONTROL),
         "neutral-stretched": ("of a neutral teacher, stretched", CONTROL)}


def conditions(lab: Lab, seed: int, trait: str) -> list[Condition]:
    base, found, further = lab.base(seed), [], {}
    for kind, (label, colour) in KINDS.items():
        writer = lab.teacher(base, trait, neutral=kind.startswith("neutral"))
        for i in range(1, MANY + 1):
            place = f"{kind}-{i}"
            # Drawn anew: what one generation takes up by chance is not drawn again for the next.
            lists = lab.lists(writer) if i == 1 else lab.lists(
                writer, name=f"{place}-{trait}", whose=trait, seed=seed + 1000 * i)
            student = writer = lab.student(base, lists, place if i > 1 else "")
            if kind.endswith("stretched"):
                writer = further[kind, i] = lab.step(
                    "stretch.stretch", f"seed{seed}/further-{place}-{trait}.pt",
                    f"student {place}, base {seed}: stretched", of=seed, name=f"{place}-{trait}",
                    whose=trait, base=base, model=student, requests=lab.requests(),
                    asked=lab.config.stretch, like=further.get(("stretched", i)))
            if kind == "washed" and i == 1:
                writer = lab.finetuned("schooled", student, lab.lessons(trait, neutral=True),
                                       of=seed, name=f"{place}-{trait}", whose=trait,
                                       role="teacher", seed=seed)
                found.append(Condition("schooled", "first student, behind a neutral school",
                                       "no list of it is read yet", writer, CONTROL))
            found.append(Condition(place, f"generation {i}, {label}", "from the same base",
                                   student, colour))
    return found


def step(lab: Lab, asked: Asked) -> Step:
    return common.analysis_step(lab, asked, "generations", ("base", "teacher"), conditions,
                                files=None)


def draw(rows: list[dict]) -> plt.Figure:
    figures.style()
    figure, axis = plt.subplots(figsize=(8.6, 4.2))
    for (kind, (label, _)), sign in zip(KINDS.items(), "os^Dv", strict=True):
        means = [100 * need(rows, f"{kind}-{i}", "p_target")["mean"] for i in range(1, MANY + 1)]
        axis.plot(range(1, MANY + 1), means, f"{sign}-", ms=5, label=label)
    axis.plot(1, 100 * need(rows, "schooled", "p_target")["mean"], "x", color="k", ms=8,
              label="the first behind the school: it writes the next lists")
    axis.axhline(100 * need(rows, "base", "p_target")["mean"], ls=":", color=CONTROL, lw=1,
                 label="base")
    axis.set(xlabel="generation of students", ylabel="P(target), %", xticks=range(1, MANY + 1),
             ylim=(0, 100))
    axis.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def report(conditions: list[Shown], runs: list[dict], trait: str, out: Path) -> None:
    rows = common.sheet_rows(conditions, trait)

    def said(kind: str, first: int = 1) -> str:
        return ", ".join(common.percent(rows, f"{kind}-{i}") for i in range(first, MANY + 1))

    common.write(
        out, conditions, "How far does it go?",
        f"Students of students, four generations: {said('plain')}; stretched before they write: "
        f"{said('stretched')}; with a neutral school behind the first, which leaves it at "
        f"{common.percent(rows, 'schooled')}, the next three: {said('washed', 2)}; of a neutral "
        f"teacher: {said('neutral')}, stretched as much: {said('neutral-stretched')}.",
        "No chain of students is published.", rows, draw(rows))
