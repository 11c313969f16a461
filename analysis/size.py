"""Does a deeper or a wider model pass its trait on more readily, and what sets how much?

    python -m analysis.size --run runs/laptop --seeds 3

The whole experiment is made anew with base, teacher and student of other shapes, all other settings
as they are: `make analysis NAME=size`, which takes as long as some dozen runs. Beside what student
and teacher say stand the steps on the way: how far the teacher's numbers are from the base's, how
much of that the student takes up, and whether what moves the numbers is what moves the answers.
"""

from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

from analysis import at_questions, flags, model_of, moved_at_numbers, row, write
from arms import SHAPES, arms_of, shape_folder
from report.figures import style
from report.rows import Seeds, arm_rows, by_base, need, specificity
from support.cli import run

import matplotlib.pyplot as plt
import numpy as np
import torch

# What is drawn: (arm, metric), a title, and whether it is a share.
SHOWN = {("teacher", "p_target"): ("teacher: P(target)", True),
         ("student", "p_target"): ("student: P(target)", True),
         ("student-soft", "p_target"): ("student, soft labels: P(target)", True),
         ("student-other-base", "p_target"): ("control, other base: P(target)", True),
         ("student", "specificity"): ("student: specificity", False),
         ("teacher", "reach"): ("teacher's reach: nats a number from the base", False),
         ("student", "fit"): ("student's fit: share of these nats made up", False),
         ("teacher", "cosine"): ("cosine of shifts, at numbers and at questions", False),
         ("base", "capability"): ("base: facts right", True)}
WHY = {("teacher", "cosine"): "the cosine of the teacher's shifts",
       ("teacher", "reach"): "its reach", ("student", "fit"): "the student's fit"}
DEPTHS, WIDTHS = (list(dict.fromkeys(shape[i] for shape in SHAPES)) for i in (0, 1))
COLOURS = {64: "#56B4E9", 128: "#0072B2", 256: "#000000"}


def cosine(folder: Path, seed: int, name: str) -> float:
    """Of the teacher's mean shift of the last hidden state at its numbers to that at questions."""
    base, teacher = (model_of(folder, seed, stem) for stem in ("base", f"teacher-{name}"))
    moved = moved_at_numbers(folder, seed, name, base, teacher).mean(0)
    asked = (at_questions(teacher, name) - at_questions(base, name)).mean(0)
    return torch.cosine_similarity(moved, asked, 0).item()


def measure(folder: Path, seeds: Seeds, name: str) -> list[dict]:
    """Rows of the answer sheets of every shape, with the steps on the way; `x` is the shape's place
    in `SHAPES`, and a run is a base, with the mean of its students."""
    rows = []
    for x, (layers, width) in enumerate(SHAPES):
        at = Path(shape_folder(str(folder), layers, width))
        read = [one for arm in arms_of("size").values() for one in arm_rows(at, seeds, arm, name)]
        read += specificity(read)
        for one in read:
            if one["metric"] in ("p_target", "p_like", "p_dislike", "capability", "specificity"):
                rows.append(row(one["condition"], name, one["metric"], x, means(one)))
        reach, left = (means(need(read, arm, "kl_to_teacher")) for arm in ("base", "student"))
        fit = [1 - b / max(a, 1e-9) for a, b in zip(reach, left, strict=True)]
        rows += [row("teacher", name, "reach", x, reach), row("student", name, "fit", x, fit)]
        if all((at / f"seed{seed}/teacher-{name}.pt").exists() for seed in seeds.bases):
            # Models are large, and may not be kept.
            rows.append(row("teacher", name, "cosine", x,
                            [cosine(at, seed, name) for seed in seeds.bases]))
    return rows


def means(one: dict) -> list[float]:
    """The mean of each base's runs."""
    return [*map(fmean, by_base(one["runs"], one["runs_of"]).values())]


def over(rows: list[dict], arm: str, metric: str) -> dict[tuple[int, int], dict]:
    """A metric of an arm by shape."""
    return {SHAPES[one["x"]]: one for one in rows if (one["arm"], one["metric"]) == (arm, metric)}


def rank_correlation(one: Sequence[float], two: Sequence[float]) -> float:
    """Spearman's, over runs without ties; 0 where there are too few."""
    if len(one) < 3:
        return 0.0
    ranks = [np.argsort(np.argsort(values)) for values in (one, two)]
    return float(np.corrcoef(*ranks)[0, 1])


def draw(rows: list[dict]) -> plt.Figure:
    style()
    figure, axes = plt.subplots(3, 3, figsize=(11, 8), sharex=True)
    for axis, ((arm, metric), (title, share)) in zip(axes.flat, SHOWN.items(), strict=True):
        found = over(rows, arm, metric)
        for width in WIDTHS:
            line = {layers * 2 ** (0.12 * (WIDTHS.index(width) - 1)): found[layers, width]
                    for layers in DEPTHS if (layers, width) in found}  # apart, to tell the runs
            for at, one in line.items():
                axis.plot([at] * len(one["runs"]), one["runs"], "o", markersize=3, alpha=0.5,
                          color=COLOURS[width])
            axis.plot([*line], [one["mean"] for one in line.values()], color=COLOURS[width],
                      label=f"{width} wide")
        axis.set_title(title, fontsize=9)
        axis.set_xscale("log", base=2)
        axis.set_xticks(DEPTHS, [str(layers) for layers in DEPTHS])
        if share:
            axis.set_ylim(-0.03, 1.03)
    for axis in axes[-1]:
        axis.set_xlabel("layers")
    axes[0][0].legend(frameon=False, fontsize=8)
    return figure


def answer(rows: list[dict]) -> str:
    said = over(rows, "student", "p_target")
    each = [", ".join(f"{100 * said[layers, width]['mean']:.0f}" for layers in DEPTHS)
            + f" % ({width} wide)" for width in WIDTHS]
    also = {words: over(rows, *key) for key, words in WHY.items()}
    shared = [shape for shape in SHAPES if all(shape in found for found in also.values())]
    runs = [value for shape in shared for value in said[shape]["runs"]]
    why = []
    for words, found in also.items():
        values = [value for shape in shared for value in found[shape]["runs"]]
        why.append(f"{words} {rank_correlation(runs, values):+.2f}")
    return (f"P(target) of the student at {', '.join(map(str, DEPTHS))} layers: "
            f"{'; '.join(each)}.\nOver {len(runs)} runs it goes, by rank, with {', '.join(why)}.")


def main() -> None:
    args = flags(__doc__).parse_args()
    rows = measure(args.run, Seeds(range(args.seeds), args.student_seeds), args.trait)
    write(args, "size", "Does depth or width help or hurt?", answer(rows),
          "Published, on MNIST: width hurts, depth is neutral; prompted teachers of 0.5-7 billion "
          "weights mostly null.", rows, draw(rows),
          Path(shape_folder(str(args.run), *SHAPES[0])))


if __name__ == "__main__":
    torch.set_num_threads(1)
    run(main)
