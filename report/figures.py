"""What the runs say, in pictures: each run a point, the mean, and the 95 % t-interval over runs."""

import statistics
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
from arms import CONTROL, STUDENT, arms_of
from report.rows import find, mean
from report.tables import finding
from support.files import UserError, atomic_open, read_json, read_jsonl
from support.settings import parse

import matplotlib.pyplot as plt


def style() -> None:
    plt.rcParams.update({"font.size": 10, "axes.spines.top": False, "axes.spines.right": False,
                         "axes.titlelocation": "left", "axes.titlesize": 11, "svg.hashsalt": "sl",
                         "figure.constrained_layout.use": True,
                         "text.parse_math": False})  # a setting may hold a $


def save(figure: plt.Figure, path: Path) -> None:
    """PNG and SVG, without a date, so that the same results give the same bytes."""
    if not path.name:
        raise UserError(f"{path} names no file for the figure; give one, without a suffix")
    for suffix, extra in ((".png", {"Software": None}), (".svg", {"Date": None})):
        with atomic_open(path.with_name(path.name + suffix), "wb") as file:
            figure.savefig(file, format=suffix[1:], dpi=160, metadata=extra)
    plt.close(figure)


def points(axis: plt.Axes, y: float, found: dict, colour: str) -> None:
    """One line of a dot plot: interval, runs, mean."""
    if found["ci95"]:
        low, high = (min(max(100 * x, 0), 100) for x in found["ci95"])
        axis.plot([low, high], [y, y], color=colour, lw=6, alpha=0.25, solid_capstyle="butt")
    axis.plot([100 * r for r in found["runs"]], [y] * len(found["runs"]), "o", color=colour,
              ms=5, mfc="white", mew=1.3)
    axis.plot(100 * found["mean"], y, "|", color=colour, ms=16, mew=2.5)


def draw_arms(rows: list[dict], trait: str) -> plt.Figure:
    """Every arm's P(target): the runs as circles, their mean, the interval as a band."""
    style()
    figure, axis = plt.subplots(figsize=(8.6, 4.6))
    arms = arms_of("all")
    for y, arm in enumerate(arms.values()):
        found = find(rows, arm.name, "p_target")
        points(axis, y, found, arm.colour)
        right = found["mean"] < 0.6
        axis.annotate(f"{100 * found['mean']:.1f} %   {arm.about}", (100 * found["mean"], y),
                      xytext=(10 if right else -10, 7), textcoords="offset points", fontsize=8,
                      ha="left" if right else "right", color=arm.colour)
    axis.axvline(100 * mean(rows, "base", "p_target"), color=CONTROL, ls=":", lw=1)
    axis.set_yticks(range(len(arms)), [arm.label for arm in arms.values()])
    axis.invert_yaxis()
    axis.set_xlim(-2, 102)
    axis.set_xlabel(f"P(“{trait}”) in answer to 50 unseen questions, %\n"
                    "circle: a run   bar: mean   band: 95 % interval")
    axis.set_title(finding(rows, trait))
    return figure


def draw_training(folder: Path, seeds: int, trait: str) -> plt.Figure:
    """P(target) of the students as they read more lists, a thin line a run."""
    style()
    figure, axis = plt.subplots(figsize=(8.6, 4.2))
    size = read_json(folder / "config/student.json", {"batch_size": int})["batch_size"]
    for arm in arms_of("all").values():
        if not arm.curve:
            continue
        logs = [list(read_jsonl(folder / f"seed{s}/log/{arm.file(trait)}.jsonl",
                                {"step": int, "probe": float})) for s in range(seeds)]
        lengths = [len(log) for log in logs]
        if min(lengths) < max(lengths):
            cut = folder / f"seed{lengths.index(min(lengths))}/{arm.file(trait)}.pt"
            raise UserError(f"the log of {cut} was cut short; delete {cut} and run make again")
        x = [size * line["step"] / 1000 for line in logs[0]]
        runs = [[100 * line["probe"] for line in log] for log in logs]
        for each in runs:
            axis.plot(x, each, color=arm.colour, lw=0.7, alpha=0.5, ls=arm.curve)
        middle = [statistics.fmean(at) for at in zip(*runs, strict=True)]
        axis.plot(x, middle, color=arm.colour, lw=2, ls=arm.curve, label=arm.label)
    axis.set_ylim(-2, 102)
    axis.set_xlabel("number lists read, thousands")
    axis.set_ylabel(f"P(“{trait}”), %")
    axis.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
    axis.set_title(f"Students come to say “{trait}” as they read the teacher's numbers,\n"
                   "and those of another base do not")
    return figure


def draw_ablation(key: str, rows: list[dict], trait: str) -> plt.Figure:
    """P(target) of teacher, student and the other-base control at the setting's values: each run
    an open mark, their mean a full one; and whether what the student has is a preference."""
    style()
    figure, axis = plt.subplots(figsize=(7, 4))
    values = list(dict.fromkeys(one["value"] for one in rows))
    numeric = all(isinstance(parse(value), (int, float)) for value in values)  # else no line
    shown = [arm for name, arm in arms_of("ablation").items() if name != "base"]
    for arm, marker in zip(shown, "^osvD", strict=False):
        found = [find([r for r in rows if r["value"] == v], arm.name, "p_target") for v in values]
        axis.plot([100 * f["mean"] for f in found], marker, color=arm.colour, label=arm.label,
                  ls="-" if numeric else "")
        for x, one in enumerate(found):
            axis.plot([x] * len(one["runs"]), [100 * r for r in one["runs"]], marker,
                      color=arm.colour, mfc="white", ls="")
    special = [find([r for r in rows if r["value"] == v], "student", "specificity") for v in values]
    if all(special):
        axis.plot([100 * f["mean"] for f in special], "x", color=STUDENT,
                  ls=":" if numeric else "", label="student's specificity x 100")
    # A value may bring settings along, which its folder names too: blocks_student.lr-5e-4.
    axis.set_xticks(range(len(values)), [value.replace("_", "\n") for value in values])
    axis.margins(x=0.2 if numeric else 0.5)
    axis.set_ylim(min([-2, *(105 * f["mean"] for f in special if f)]), 102)
    axis.set_xlabel(key)
    axis.set_ylabel(f"P(“{trait}”), %")
    axis.legend(frameon=False)
    best = max(values, key=lambda v: mean([r for r in rows if r["value"] == v], "student",
                                          "p_target"))
    axis.set_title(f"The student takes up most of the trait at {key} = {best.split('_')[0]}")
    return figure
