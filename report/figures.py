"""What the runs say, in pictures: each run a circle, their mean, the 95 % interval as a band."""

import statistics
import textwrap
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

from report.rows import Shown, find, mean, need
from report.tables import finding
from support.files import atomic_open, read_json
from support.settings import parse


def style() -> None:
    """Our style over matplotlib's defaults; a user's matplotlibrc changes no figure."""
    plt.rcdefaults()
    plt.rcParams.update({"font.size": 10, "axes.spines.top": False, "axes.spines.right": False,
                         "axes.titlelocation": "left", "axes.titlesize": 11,
                         "figure.constrained_layout.use": True,
                         "text.parse_math": False})  # a setting may hold a $


def save(figure: plt.Figure, path: Path) -> None:
    """A PNG without the version of what drew it: the same results give the same bytes."""
    with atomic_open(path, "wb") as file:
        figure.savefig(file, format="png", dpi=160, metadata={"Software": None})
    plt.close(figure)


def points(axis: plt.Axes, y: float, found: dict, colour: str) -> None:
    """One line of a dot plot: interval, runs, mean."""
    if found["ci95"]:
        low, high = (min(max(100 * x, 0), 100) for x in found["ci95"])
        axis.plot([low, high], [y, y], color=colour, lw=6, alpha=0.25, solid_capstyle="butt")
    axis.plot([100 * run for run in found["runs"]], [y] * len(found["runs"]), "o", color=colour,
              ms=5, mfc="white", mew=1.3)
    axis.plot(100 * found["mean"], y, "|", color=colour, ms=16, mew=2.5)


def draw_conditions(rows: list[dict], conditions: list[Shown], trait: str) -> plt.Figure:
    """P(target) of every condition."""
    style()
    figure, axis = plt.subplots(figsize=(8.6, 4.6))
    for y, one in enumerate(conditions):
        found = need(rows, one.name, "p_target")
        points(axis, y, found, one.colour)
        right = found["mean"] < 0.6
        axis.annotate(f"{100 * found['mean']:.1f} %   {one.about}", (100 * found["mean"], y),
                      xytext=(10 if right else -10, 7), textcoords="offset points", fontsize=8,
                      ha="left" if right else "right", color=one.colour)
    axis.axvline(100 * mean(rows, "base", "p_target"), color="#6E6E6E", ls=":", lw=1)
    axis.set_yticks(range(len(conditions)), [one.label for one in conditions])
    axis.invert_yaxis()
    axis.set_xlim(-2, 102)
    axis.set_xlabel(f"P(“{trait}”) in answer to 50 unseen questions, %\n"
                    "circle: a run   bar: mean   band: 95 % interval")
    axis.set_title(textwrap.fill(finding(rows, conditions, trait), 66))
    return figure


def draw_training(conditions: list[Shown], trait: str, batch_size: int) -> plt.Figure:
    """P(target) of the students as they read more lists, a thin line for the first student of each
    base. The curve is in the answer sheet, with what else is known of the model."""
    style()
    figure, axis = plt.subplots(figsize=(8.6, 4.2))
    for one in conditions:
        if not one.curve:
            continue
        logs = [[line for line in read_json(path)["model"]["log"] if "probe" in line]
                for _, student_seed, path in one.sheets if student_seed == 0]
        x = [batch_size * line["step"] / 1000 for line in logs[0]]
        runs = [[100 * line["probe"] for line in log] for log in logs]
        for each in runs:
            axis.plot(x, each, color=one.colour, lw=0.7, alpha=0.5, ls=one.curve)
        middle = [statistics.fmean(at) for at in zip(*runs, strict=True)]
        axis.plot(x, middle, color=one.colour, lw=2, ls=one.curve, label=one.label)
    axis.set_ylim(-2, 102)
    axis.set_xlabel("number lists read, thousands")
    axis.set_ylabel(f"P(“{trait}”), %")
    axis.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
    axis.set_title(f"Students come to say “{trait}” as they read the teacher's numbers,\n"
                   "and those of another base do not")
    return figure


def draw_ablation(key: str, rows: list[dict], shown: list[Shown], trait: str) -> plt.Figure:
    """P(target) of the conditions at the values of a setting: each run an open mark, their mean a
    full one; and the student's specificity, which says whether it is a preference."""
    style()
    figure, axis = plt.subplots(figsize=(7, 4))
    values = list(dict.fromkeys(one["value"] for one in rows))
    numeric = all(isinstance(parse(value), (int, float)) for value in values)  # else no line
    for one, marker in zip([one for one in shown if one.name != "base"], "^osvD", strict=False):
        found = [need(rows, one.name, "p_target", value=value) for value in values]
        axis.plot([100 * at["mean"] for at in found], marker, color=one.colour, label=one.label,
                  ls="-" if numeric else "")
        for x, at in enumerate(found):
            axis.plot([x] * len(at["runs"]), [100 * run for run in at["runs"]], marker,
                      color=one.colour, mfc="white", ls="")
    special = [find(rows, "student", "specificity", value=value) for value in values]
    heights = [100 * at["mean"] for at in special if at]
    if len(heights) == len(values):
        colour = next(one.colour for one in shown if one.name == "student")
        axis.plot(heights, "x", color=colour, ls=":" if numeric else "",
                  label="student's specificity x 100")
    axis.set_xticks(range(len(values)), [value.replace(",", "\n") for value in values])
    axis.margins(x=0.2 if numeric else 0.5)
    axis.set_ylim(min([-2, *(1.05 * height for height in heights)]), 102)
    axis.set_xlabel(key)
    axis.set_ylabel(f"P(“{trait}”), %")
    axis.legend(frameon=False)
    best = max(values, key=lambda value: mean(rows, "student", "p_target", value=value))
    axis.set_title(f"The student takes up most of the trait at {key} = {best.split(',')[0]}")
    return figure
