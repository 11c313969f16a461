"""What the runs say, in pictures: each run a circle, their mean, the 95 % interval as a band."""

import statistics
import textwrap
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

from report.rows import Shown, bases
from support.files import atomic_open, read_json


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


def draw_dots(lines: list[tuple[dict, str, str, str]], label: str, title: str) -> plt.Figure:
    """A dot plot of shares, a line for each (row, label, colour, what is said beside it). The
    first is the base, where a dotted line stands."""
    style()
    figure, axis = plt.subplots(figsize=(10.4, 1.5 + 0.3 * len(lines)))
    for y, (found, _, colour, about) in enumerate(lines):
        mean, runs = 100 * found["mean"], [100 * run for run in found["runs"]]
        if found["ci95"]:
            band = [min(max(100 * x, 0), 100) for x in found["ci95"]]
            axis.plot(band, [y, y], color=colour, lw=6, alpha=0.25, solid_capstyle="butt")
        axis.plot(runs, [y] * len(runs), "o", color=colour, ms=5, mfc="white", mew=1.3)
        axis.plot(mean, y, "|", color=colour, ms=16, mew=2.5)
        axis.annotate(f"{mean:.1f} %   {about}", (1.02, y), fontsize=8, va="center",
                      xycoords=("axes fraction", "data"), color=colour)
    axis.axvline(100 * lines[0][0]["mean"], color="#6E6E6E", ls=":", lw=1)
    axis.set_yticks(range(len(lines)), [one[1] for one in lines])
    axis.set_ylim(len(lines) - 0.4, -0.6)
    axis.set_xlim(-2, 102)
    axis.set_xlabel(f"{label}, %\ncircle: a run   bar: mean   band: 95 % interval")
    axis.set_title(textwrap.fill(title, 66))
    return figure


def draw_values(found: dict[str, list[dict[str, dict]]], lines: dict[str, tuple[str, str]],
                values: list[str], key: str) -> plt.Figure:
    """A panel for each metric in `found`: at each value of a setting, the row of each condition,
    whose (colour, style) `lines` has. A circle is a base, a line joins the means."""
    style()
    figure, axes = plt.subplots(1, len(found), figsize=(2.9 * len(found), 3.4))
    for axis, (label, at) in zip(axes, found.items(), strict=True):
        for place, (name, (colour, style_of)) in enumerate(lines.items()):
            where = [x + 0.12 * (place - 1) for x in range(len(values))]
            for x, rows in zip(where, at, strict=True):
                each = bases(rows[name]["runs"], rows[name]["runs_of"])
                axis.plot([x] * len(each), [100 * one for one in each], "o", color=colour, ms=5,
                          mfc="white", mew=1.3)
            axis.plot(where, [100 * rows[name]["mean"] for rows in at], style_of, color=colour,
                      label=name)
        axis.set_xticks(range(len(values)), [textwrap.fill(value, 14) for value in values])
        axis.set_xlabel(key)
        axis.set_title(f"{label}, %")
        axis.set_ylim(-3, 103)
    axes[0].legend(frameon=False, fontsize=8)
    return figure


def draw_training(conditions: list[Shown], trait: str, batch_size: int) -> plt.Figure:
    """P(target) of the students as they read more lists; a thin line is a base's first student."""
    style()
    figure, axis = plt.subplots(figsize=(8.6, 4.2))
    for one in (one for one in conditions if one.curve):
        logs = [[line for line in read_json(path)["model"]["log"] if "probe" in line]
                for _, student_seed, path in one.sheets if student_seed == 0]
        # A student of very few lists has fewer points than another.
        runs = [*zip(*([100 * line["probe"] for line in log] for log in logs), strict=False)]
        x = [batch_size * line["step"] / 1000 for line in logs[0]][:len(runs)]
        axis.plot(x, runs, color=one.colour, lw=0.7, alpha=0.5, ls=one.curve)
        axis.plot(x, [*map(statistics.fmean, runs)], color=one.colour, lw=2, ls=one.curve,
                  label=one.label)
    axis.set_ylim(-2, 102)
    axis.set_xlabel("number lists read, thousands")
    axis.set_ylabel(f"P(“{trait}”), %")
    axis.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
    axis.set_title(f"P(“{trait}”) of the students while they read number lists")
    return figure
