"""Why do some students take up more of a trait than others?

A student is moved at numbers as its teacher was. Whether that moves its answers should depend on
how the two moves of the teacher lie to each other: the mean shift of its last hidden state at
numbers, and that at questions.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import matplotlib.pyplot as plt
import torch

from analysis import common
from analysis.readout import moved_at_numbers
from corpus.documents import FAVOURITES
from corpus.traits import trait as trait_of
from evaluate import chats_of, choice_probabilities, preference
from experiment import Asked
from lab import CONTROL, PART, STUDENT, TEACHER, Lab
from model.checkpoint import load_model
from report import figures
from report.rows import Shown, row
from report.stats import rank_correlation
from support.steps import Step

WHY = {"cosine": "the cosine of the two shifts", "stretch": "the stretch that its teacher needed"}
COLOURS = (STUDENT, TEACHER, PART, CONTROL)


def step(lab: Lab, asked: Asked) -> Step:
    names = [name for name in asked.traits if any(name in one for one in FAVOURITES.values())]
    runs = []
    for seed in range(asked.seeds):
        base = lab.base(seed)
        for name in names:
            teacher = lab.teacher(base, name)
            lists = lab.lists(teacher)
            runs.append({"seed": seed, "trait": name, "base": base, "teacher": teacher,
                         "lists": lists, "student": lab.student(base, lists)})
    return lab.step("analysis.uneven.report", "analysis/uneven/summary.json", "analysis: uneven",
                    ("analysis/uneven/uneven.png",), runs=runs,
                    work=len(runs) * lab.cost(4096, 200))


def measure(run: dict) -> Iterator[tuple[str, float]]:
    """(metric, value) of a student and its teacher."""
    base, teacher, student = (load_model(run[name]) for name in ("base", "teacher", "student"))
    chosen = trait_of(run["trait"])
    yield "p_target", preference(partial(choice_probabilities, student), chosen,
                                 chats_of(chosen.questions()))["p_target"]
    at_numbers = moved_at_numbers(base, teacher, run["lists"]).mean(0)
    asked = common.at_questions(teacher, chosen.name) - common.at_questions(base, chosen.name)
    yield "cosine", torch.cosine_similarity(at_numbers, asked.mean(0), 0).item()
    yield "stretch", teacher.provenance["stretch"]


def pooled(rows: list[dict], metric: str) -> list[float]:
    """A metric of all students, trait by trait, and within a trait base by base."""
    return [value for one in rows if one["metric"] == metric for value in one["runs"]]


def draw(rows: list[dict]) -> plt.Figure:
    """P(trait) of each student by each of what may explain it; a colour is a base."""
    figures.style()
    figure, axes = plt.subplots(1, len(WHY), figsize=(9.6, 4.2), sharey=True)
    bases = len(rows[0]["runs"])
    for axis, (metric, label) in zip(axes, WHY.items(), strict=True):
        x, y = pooled(rows, metric), pooled(rows, "p_target")
        for seed in range(bases):
            axis.plot(x[seed::bases], [100 * p for p in y[seed::bases]], "o", ms=5, mfc="white",
                      color=COLOURS[seed % len(COLOURS)], label=f"base {seed}")
        axis.set_xlabel(label)
    axes[0].set_ylabel("P(trait) of the student, %")
    axes[0].legend(frameon=False, fontsize=8)
    return figure


def answer(rows: list[dict]) -> str:
    said, bases = pooled(rows, "p_target"), len(rows[0]["runs"])
    groups, found = [i % bases for i in range(len(said))], []
    for metric, words in WHY.items():
        rho, p = rank_correlation(pooled(rows, metric), said, groups)
        found.append(f"{words} {rho:+.2f} (p {p:.3f})")
    return (f"Among the traits of a base, a student takes up the more, by rank, over {len(said)} "
            f"students of {bases} bases, with {', '.join(found)}.")


def report(runs: list[dict], out: Path) -> None:
    found: dict[tuple, list[float]] = {}
    for run in runs:
        for metric, value in measure(run):
            found.setdefault((run["trait"], metric), []).append(value)
    rows = [row("student", name, metric, values, x=None)
            for (name, metric), values in found.items()]
    shown = [Shown("student", "student", "", STUDENT, False, "", [
        (run["seed"], 0, run["student"]) for run in runs])]
    common.write(out, shown, "Why do some students take up more than others?", answer(rows),
                 "Published, on digits: width hurts, depth is neutral. Of language models no "
                 "predictor is published.", rows, draw(rows))
