"""How much of the spread between students is the base's, the teacher's, the student's, rounding's?

    python -m analysis.spread --run runs/laptop --seeds 5 --student-seeds 3

A student is trained again with its own seed (another order of the lists, other adapters), with its
gradients added up in another order (nothing else differs but rounding), and on the numbers of a
teacher of another seed. It trains two students of its own for each base, and a teacher.
"""

import math
import statistics
from pathlib import Path

from analysis import flags, row, write
from arms import ARMS, STUDENT
from corpus.traits import PERSONAS
from report.figures import style
from report.rows import Seeds, arm_rows, by_base, need
from support.cli import run
from support.files import UserError

import matplotlib.pyplot as plt

KINDS = {"rounding": "rounding alone", "student": "student seed", "teacher": "teacher seed",
         "base": "base seed"}


def pairs(one: list[float], two: list[float]) -> float:
    """The variance within pairs of runs."""
    return statistics.fmean((a - b) ** 2 / 2 for a, b in zip(one, two, strict=True))


def measure(folder: Path, seeds: Seeds, trait: str, metric: str) -> list[dict]:
    """Standard deviations of a metric, a row a kind. What is above another in `KINDS` comes with it
    too: two teachers' students differ by rounding, by their course, and by their teachers."""
    read = {arm: need(arm_rows(folder, seeds, ARMS[arm], trait), arm, metric)
            for arm in ("student", "student-rounding", "student-teacher")}
    students = by_base(read["student"]["runs"], read["student"]["runs_of"])
    first = [values[0] for values in students.values()]
    within = statistics.fmean(statistics.variance(values) for values in students.values())
    means = [statistics.fmean(values) for values in students.values()]
    between = max(0.0, statistics.variance(means) - within / seeds.students)
    variances = {"rounding": pairs(first, read["student-rounding"]["runs"]), "student": within,
                 "teacher": pairs(first, read["student-teacher"]["runs"]), "base": between}
    return [row(kind, trait, f"sd_{metric}", None, [math.sqrt(value)])
            for kind, value in variances.items()]


def draw(rows: list[dict]) -> plt.Figure:
    style()
    metrics = list(dict.fromkeys(one["metric"] for one in rows))
    figure, axes = plt.subplots(1, len(metrics), figsize=(8.6, 2.8), sharey=True, squeeze=False)
    for axis, metric in zip(axes[0], metrics, strict=True):
        values = {one["arm"]: 100 * one["mean"] for one in rows if one["metric"] == metric}
        axis.barh([KINDS[kind] for kind in values], list(values.values()), color=STUDENT)
        for y, value in enumerate(values.values()):
            axis.annotate(f" {value:.1f}", (value, y), va="center", fontsize=8)
        axis.set_xlabel({"sd_p_target": "the 50 questions", "sd_p_like": "in other words"}[metric]
                        + ": sd, points")
    axes[0][0].invert_yaxis()  # and with it all that share it
    figure.suptitle(answer(rows), x=0.01, ha="left", fontsize=11)
    return figure


def answer(rows: list[dict]) -> str:
    sd = {one["arm"]: 100 * one["mean"] for one in rows if one["metric"] == "sd_p_target"}
    return (f"A student's own seed moves it by {sd['student']:.0f} points (sd), its teacher's by "
            f"{sd['teacher']:.0f},\nits base by {sd['base']:.0f}; rounding while it trains by "
            f"{sd['rounding']:.1f}.")


def main() -> None:
    args = flags(__doc__).parse_args()
    if args.seeds < 2 or args.student_seeds < 2:
        raise UserError("a spread takes two bases and two students of each or more: SEEDS=2 "
                        "STUDENT_SEEDS=2")
    seeds = Seeds(range(args.seeds), args.student_seeds)
    metrics = ("p_target",) if args.trait in PERSONAS else ("p_target", "p_like")
    rows = [one for metric in metrics
            for one in measure(args.run, seeds, args.trait, metric)]
    write(args, "spread", "How much of the spread between students is whose?", answer(rows),
          "The original reports runs, not their causes; protocol: 44-76 % over four student seeds.",
          rows, draw(rows))


if __name__ == "__main__":
    run(main)
