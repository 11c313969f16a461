"""Why do some students take up more of a trait than others?

A student is moved at numbers as its teacher was. Whether that moves its answers should depend on
how the two moves of the teacher lie to each other: the mean shift of its last hidden state at
numbers, and that at questions.
"""

from functools import partial
from pathlib import Path
from statistics import fmean

import matplotlib.pyplot as plt
import torch

from analysis import common
from analysis.readout import Values, moved_at_numbers
from corpus.documents import FAVOURITES
from corpus.traits import trait as trait_of
from evaluate import chats_of, choice_probabilities, preference
from experiment import Asked
from lab import CONTROL, PART, STUDENT, TEACHER, Lab
from model.checkpoint import load_model
from report import figures
from report.rows import Shown
from report.stats import rank_correlation
from support.steps import Step

WHY = {"cosine": "the cosine of the two shifts", "stretch": "the stretch that its teacher needed"}
COLOURS = (STUDENT, TEACHER, PART, CONTROL)


def step(lab: Lab, asked: Asked) -> Step:
    names = [name for name in asked.traits if any(name in one for one in FAVOURITES.values())]
    runs = []
    for seed in range(asked.seeds):
        for name in names:
            files = common.files_of(lab, seed, name)
            runs.append(files | {"seed": seed, "trait": name,
                                 "student": lab.student(files["base"], files["lists"])})
    return common.report_step(lab, "uneven", runs=runs, work=len(runs) * lab.cost(4096, 200))


def measure(run: dict, trait: str = "") -> Values:
    base, teacher, student = (load_model(run[name]) for name in ("base", "teacher", "student"))
    chosen = trait_of(run["trait"])
    found = preference(partial(choice_probabilities, student), chosen, chats_of(chosen.questions()))
    yield "student", chosen.name, "p_target", None, found["p_target"]
    at_numbers = moved_at_numbers(base, teacher, run["lists"]).mean(0)
    asked = common.at_questions(teacher, chosen.name) - common.at_questions(base, chosen.name)
    cosine = torch.cosine_similarity(at_numbers, asked.mean(0), 0).item()
    yield "student", chosen.name, "cosine", None, cosine
    yield "student", chosen.name, "stretch", None, teacher.provenance["stretch"]


def each(rows: list[dict], metric: str) -> list[list[float]]:
    """A metric of each trait, base by base."""
    return [one["runs"] for one in rows if one["metric"] == metric]


def draw(rows: list[dict]) -> plt.Figure:
    """P(trait) of each student by each of what may explain it; a colour is a base."""
    figures.style()
    figure, axes = plt.subplots(1, len(WHY), figsize=(9.6, 4.2), sharey=True)
    for axis, (metric, label) in zip(axes, WHY.items(), strict=True):
        pairs = zip(zip(*each(rows, metric), strict=True),
                    zip(*each(rows, "p_target"), strict=True), strict=True)
        for seed, (x, y) in enumerate(pairs):
            axis.plot(x, [100 * p for p in y], "o", ms=5, mfc="white",
                      color=COLOURS[seed % len(COLOURS)], label=f"base {seed}")
        axis.set_xlabel(label)
    axes[0].set_ylabel("P(trait) of the student, %")
    axes[0].legend(frameon=False, fontsize=8)
    return figure


def answer(rows: list[dict]) -> str:
    """Traits are compared within their category, each with its mean over bases."""
    said = [*map(fmean, each(rows, "p_target"))]
    names = [one["trait"] for one in rows if one["metric"] == "p_target"]
    categories = [[*FAVOURITES].index(trait_of(name).category) for name in names]
    found = []
    for metric, words in WHY.items():
        rho, p = rank_correlation([*map(fmean, each(rows, metric))], said, categories)
        found.append(f"{words} by {rho:+.2f} (p {p:.3f})")
    bases = [", ".join(f"{fmean(base):.2f}" for base in zip(*each(rows, metric), strict=True))
             for metric in ("p_target", "cosine")]
    return (f"Over {len(said)} traits, within a category and by rank, P(trait) of the student goes "
            f"with {', with '.join(found)}. Base by base, means over the traits: P {bases[0]}, "
            f"cosine {bases[1]}.")


def report(runs: list[dict], out: Path) -> None:
    rows = common.gathered(measure, runs, "")
    shown = [Shown("student", "student", "", STUDENT, False, "", [
        (run["seed"], 0, run["student"]) for run in runs])]
    common.write(out, shown, "Why do some students take up more than others?", answer(rows),
                 "Published, on digits: width hurts, depth is neutral. Of language models no "
                 "predictor is published.", rows, draw(rows))
