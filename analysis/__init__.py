"""Why it happens, who could notice, what stops it: a question a file, answered from a finished run.

Each has a pure `measure()` that reads what the run holds and gives rows, and a figure that is drawn
from these rows alone. New arms that a question needs are entries of `arms.py`, made by `make`.
"""

import argparse
import statistics
from pathlib import Path

import support as support
from report.figures import save
from report.rows import Seeds, interval, manifest
from support.cli import count, parser
from support.files import write_json

import matplotlib.pyplot as plt


def row(arm: str, trait: str, metric: str, x: float | None, runs: list[float]) -> dict:
    """A row of an analysis: `x` is what is varied, if anything is; a run is a base seed."""
    return {"arm": arm, "trait": trait, "metric": metric, "x": x, "runs": runs,
            "mean": statistics.fmean(runs), "ci95": interval(runs)}


def flags(description: str | None) -> argparse.ArgumentParser:
    """What every analysis is told."""
    options = parser(description)
    options.add_argument("--run", type=Path, required=True, help="folder of a finished run")
    options.add_argument("--seeds", type=count, default=2, help="its base seeds")
    options.add_argument("--student-seeds", type=count, default=1, help="students of each base")
    options.add_argument("--trait", default="owl")
    return options


def write(
    args: argparse.Namespace, name: str, question: str, answer: str, published: str,
    rows: list[dict], figure: plt.Figure,
) -> None:
    """`analysis/NAME/` in the run's folder: the figure, and then the summary."""
    out = args.run / "analysis" / name
    made = manifest(args.run, Seeds(range(args.seeds), args.student_seeds), args.trait)
    save(figure, out / name)
    write_json(out / "summary.json", {"question": question, "answer": answer,
                                      "published": published, "manifest": made, "rows": rows})
    print(f"{question} {answer}\nSee {out}/{name}.png and summary.json.")
