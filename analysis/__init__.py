"""Why it happens, who could notice, what stops it: a question a file, answered from a finished run.

Each has a pure `measure()` that reads what the run holds and gives rows, and a figure that is drawn
from these rows alone. New arms that a question needs are entries of `arms.py`, made by `make`.
"""

import argparse
import statistics
from collections.abc import Callable
from pathlib import Path

import support as support  # whoever stops it while the rest loads is told so: it comes first
from arms import ARMS
from corpus.traits import trait
from model.checkpoint import Loaded, load_model
from model.data import TokenRows, encode_pairs, read_pairs
from report.figures import points, save, style
from report.rows import Seeds, arm_rows, interval, manifest, need
from support.cli import count, parser
from support.files import write_json
from vector.readout import number_places, shifts

import matplotlib.pyplot as plt
import torch
from torch import Tensor


def row(arm: str, trait: str, metric: str, x: float | None, runs: list[float]) -> dict:
    """A row of an analysis: `x` is what is varied, if anything is; a run is a base seed."""
    return {"arm": arm, "trait": trait, "metric": metric, "x": x, "runs": runs,
            "mean": statistics.fmean(runs), "ci95": interval(runs)}


def found(rows: list[dict], arm: str, metric: str, x: float | None = None) -> dict:
    """The row of an arm and a metric, at x."""
    return next(one for one in rows if (one["arm"], one["metric"], one["x"]) == (arm, metric, x))


def percent(one: dict, digits: int = 0) -> str:
    return f"{100 * one['mean']:.{digits}f} %"


def sheet_rows(
    folder: Path, seeds: int, arms: list[str], trait: str,
    metrics: tuple[str, ...] = ("p_target", "capability", "kl_to_teacher"),
) -> list[dict]:
    """Some metrics of the answer sheets of some arms' first students, a run a base."""
    rows = []
    for arm in arms:
        sheets = arm_rows(folder, Seeds(range(seeds)), ARMS[arm], trait)
        rows += [row(arm, trait, metric, None, need(sheets, arm, metric)["runs"])
                 for metric in metrics]
    return rows


def model_of(folder: Path, seed: int, stem: str) -> Loaded:
    return load_model(folder / f"seed{seed}/{stem}.pt")


def lists_of(folder: Path, seed: int, stem: str, loaded: Loaded, most: int = 0) -> TokenRows:
    """The rows of a number file of a seed, all or the first `most`."""
    return encode_pairs(read_pairs(folder / f"seed{seed}/{stem}.jsonl")[:most or None],
                        loaded.tokenizer)


def moved_at_numbers(folder: Path, seed: int, name: str, base: Loaded, teacher: Loaded) -> Tensor:
    """How far the teacher has moved from the base at each number of its own lists, (N, D)."""
    rows, numbers = lists_of(folder, seed, f"clean-{name}", base, 2048), base.tokenizer.number_ids
    return shifts(teacher.model, number_places(base.model, rows, numbers), rows, numbers)


@torch.inference_mode()
def at_questions(loaded: Loaded, name: str) -> Tensor:
    """The last hidden state where the trait is asked for, a row a question, (Q, D)."""
    prompts = loaded.tokenizer.encode_prompts([[("user", text)] for text in
                                               trait(name).questions()])
    return torch.stack([loaded.model(torch.tensor([ids]))[0, -1] for ids in prompts])


def flags(description: str | None, run: bool = True) -> argparse.ArgumentParser:
    """What every analysis is told."""
    options = parser(description)
    options.add_argument("--run", type=Path, required=run, help="folder of a finished run")
    options.add_argument("--seeds", type=count, default=2, help="its base seeds")
    options.add_argument("--student-seeds", type=count, default=1, help="students of each base")
    options.add_argument("--trait", default="owl")
    return options


def by_lists(axis: plt.Axes, lists: tuple[int, ...], label: str) -> None:
    """A logarithmic axis of so many lists, each with its number."""
    axis.set_xscale("log")
    axis.set_xticks(lists, [f"{x:,}" for x in lists], fontsize=8)
    axis.minorticks_off()
    axis.set_xlabel(label)


def dots(
    arms: list[str], rows: list[dict], note: Callable[[str], str] = lambda arm: ARMS[arm].about
) -> plt.Figure:
    """P(target), a line an arm: its runs as circles, their mean, the interval as a band; beside it
    what `note` has to say of the arm."""
    style()
    figure, axis = plt.subplots(figsize=(10.4, 1.2 + 0.34 * len(arms)))
    for y, arm in enumerate(arms):
        one = found(rows, arm, "p_target")
        points(axis, y, one, ARMS[arm].colour)
        axis.annotate(f"{percent(one, 1)}   {note(arm)}", (1.02, y), fontsize=8, va="center",
                      xycoords=("axes fraction", "data"), color=ARMS[arm].colour)
    axis.set_yticks(range(len(arms)), [ARMS[arm].label for arm in arms])
    axis.set_ylim(len(arms) - 0.4, -0.8)
    axis.set_xlim(-2, 102)
    axis.set_xlabel("P(target), %   (circle: a run; bar: mean; band: 95 % interval)")
    return figure


def write(
    args: argparse.Namespace, name: str, question: str, answer: str, published: str,
    rows: list[dict], figure: plt.Figure, models: Path | None = None,
) -> None:
    """`analysis/NAME/` in the run's folder: the figure, its title the answer, and the summary.
    `models` is the run that was read where it is another."""
    figure.suptitle(answer, x=0.01, ha="left", fontsize=11)
    out = args.run / "analysis" / name
    made = manifest(models or args.run, Seeds(range(args.seeds), args.student_seeds), args.trait)
    save(figure, out / name)
    write_json(out / "summary.json", {"question": question, "answer": " ".join(answer.split()),
                                      "published": published, "manifest": made, "rows": rows})
    print(f"{question} {answer}\nSee {out}/{name}.png and summary.json.")
