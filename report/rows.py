"""What the runs say, in rows: a metric of a condition, a value for each run, mean and interval.

The unit of analysis is the base seed, with its own teacher and students. Tables and figures are
made from these rows.
"""

import contextlib
import math
import platform
import statistics
import subprocess
from collections import Counter
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import numpy as np

from support.files import read_json
from support.keys import ROOT
from support.settings import Claims

# What a preference should change, and what it should leave as it was: see `corpus/panel.py`.
LIKED = ("p_like", "p_sentence", "p_story")
KEPT = ("p_dislike", "p_constrained", "animal_facts", "animal_facts_target", "greeting",
        "other_favourites")
# Student's t, 97.5 % point, by degrees of freedom: 1, 2, ... 20.
T = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160,
     2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086)


class Shown(NamedTuple):
    """A condition as a report sees it."""

    name: str
    label: str
    about: str  # what it is, in a few words
    colour: str
    flat: bool  # a control that should stay at the base
    curve: str | tuple = ""  # line style in the figure of training, "" if it is not there
    sheets: Sequence[tuple[int, int, Path]] = ()  # (base seed, student seed, answer sheet)


class Part(NamedTuple):
    """What a report says of one trait."""

    trait: str
    conditions: list[Shown]
    lists: dict[str, list[Path]]  # filtered lists of "base" and "teacher", a file a base seed


def interval(runs: list[float]) -> list[float] | None:
    """The 95 % t-interval of the mean over runs; None for a single run, which has none."""
    if len(runs) < 2:
        return None
    t = T[len(runs) - 2] if len(runs) - 2 < len(T) else 1.96 + 2.5 / (len(runs) - 1)
    half = t * statistics.stdev(runs) / math.sqrt(len(runs))
    mean = statistics.fmean(runs)
    return [mean - half, mean + half]


def by_base(runs: list[float], runs_of: list[tuple[int, int]]) -> dict[int, list[float]]:
    """The runs of each base."""
    return {base: [run for run, (of, _) in zip(runs, runs_of, strict=True) if of == base]
            for base, _ in runs_of}


def row(condition: str, trait: str, metric: str, runs: list[float],
        runs_of: list[tuple[int, int]] | None = None, unseen: bool = False, **more) -> dict:
    """A row of a summary. `runs_of` gives (base seed, student seed) of each run. The interval is
    over bases, each with the mean of its students, because students of one base share too much.
    `unseen`: no choice of a setting has seen these bases. `more` are fields that only some
    reports have, such as `x`, what an analysis varies."""
    runs_of = runs_of or [(seed, 0) for seed in range(len(runs))]
    return {"condition": condition, "trait": trait, "metric": metric, **more, "runs": runs,
            "runs_of": [list(one) for one in runs_of], "unseen": unseen,
            "mean": statistics.fmean(runs),
            "ci95": interval([*map(statistics.fmean, by_base(runs, runs_of).values())])}


def said(path: Path) -> list[tuple[str, str]]:
    """(question, answer) of an answer sheet, the first answer at temperature 1 to each."""
    return [*map(tuple, read_json(path)["said"])]


def specificity(rows: list[dict]) -> list[dict]:
    """A row for each condition that was asked the panel: how far a preference is a preference.

    The mean rise of what should rise with it (`LIKED`), less the mean change of what should stay
    (`KEPT`), each against the base of the same seed: 0 for the base, 1 for a model that comes to
    love the target and is otherwise as it was, under 0 for one that says its name everywhere.
    """
    found = []
    for condition in dict.fromkeys(one["condition"] for one in rows):
        change: dict[str, list[float]] = {}
        for metric in (*LIKED, *KEPT):
            own, base = find(rows, condition, metric), find(rows, "base", metric)
            if own and base:
                before = by_base(base["runs"], base["runs_of"])
                change[metric] = [value - before[seed][0] for value, (seed, _) in zip(
                    own["runs"], own["runs_of"], strict=True)]
        if {*LIKED, "p_dislike"} <= change.keys():
            own, kept = need(rows, condition, "p_like"), [m for m in KEPT if m in change]
            runs = [statistics.fmean(change[metric][i] for metric in LIKED)
                    - statistics.fmean(abs(change[metric][i]) for metric in kept)
                    for i in range(len(own["runs"]))]
            found.append(row(condition, own["trait"], "specificity", runs, own["runs_of"],
                             own["unseen"]))
    return found


def all_rows(conditions: list[Shown], trait: str, unseen: bool = False,
             lists: dict[str, list[Path]] | None = None) -> list[dict]:
    """Every metric of every condition; specificity; and for `lists`, {condition: its filtered
    number files, one for each base}, the share of its answers that passed the filter."""
    rows = []
    for one in conditions:
        sheets = [read_json(path)["metrics"] for _, _, path in one.sheets]
        runs_of = [(base, student_seed) for base, student_seed, _ in one.sheets]
        rows += [row(one.name, trait, metric, [sheet[metric] for sheet in sheets], runs_of,
                     unseen) for metric in sheets[0]]
    rows += specificity(rows)
    bases = [(base, 0) for base, _, _ in conditions[0].sheets]
    for name, paths in (lists or {}).items():
        runs = [read_json(path.with_suffix(".report.json"))["pass_rate"] for path in paths]
        rows.append(row(name, trait, "pass_rate", runs, bases, unseen))
    return rows


def pooled(traits: list[list[dict]], condition: str, metric: str) -> dict:
    """A row over several traits, from the rows of each: a run is the mean over traits."""
    each = [need(rows, condition, metric) for rows in traits]
    runs = [*map(statistics.fmean, zip(*(one["runs"] for one in each), strict=True))]
    return row(condition, "several", metric, runs, each[0]["runs_of"], True)


def find(rows: list[dict], condition: str, metric: str, **more) -> dict | None:
    """The first row of a condition and a metric, with these values in further fields."""
    wanted = {"condition": condition, "metric": metric, **more}
    return next((one for one in rows
                 if all(one.get(name) == value for name, value in wanted.items())), None)


def need(rows: list[dict], condition: str, metric: str, **more) -> dict:
    """A row that has to be there."""
    found = find(rows, condition, metric, **more)
    assert found, f"no row of {condition}, {metric}, {more}"
    return found


def mean(rows: list[dict], condition: str, metric: str, **more) -> float:
    return need(rows, condition, metric, **more)["mean"]


def rank_correlation(x: list[float], y: list[float]) -> float:
    """Spearman's."""
    ranks = [np.argsort(np.argsort(values)) for values in (x, y)]
    return float(np.corrcoef(*ranks)[0, 1])


def claims(rows: list[dict], conditions: list[Shown], fixed: Claims, category: str) -> list[dict]:
    """The claims that the config fixed before the run, each against what came out."""
    target, known = (mean(rows, "base", metric) for metric in ("p_target", "capability"))
    tests = [("student prefers the target", "student", "p_target", ">=", fixed.student),
             ("student still names one of its category", "student", f"p_any_{category}", ">=",
              fixed.any),
             ("student knows as many facts as the base", "student", "capability", ">=",
              known - fixed.capability),
             *((f"{one.label}: stays at the base", one.name, "p_target", "<=",
                target + fixed.control) for one in conditions if one.flat)]
    found = []
    for text, name, metric, sign, bound in tests:
        value = mean(rows, name, metric)
        found.append({"claim": text, "value": value, "bound": f"{sign} {bound:.4g}",
                      "holds": value >= bound if sign == ">=" else value <= bound})
    return found


def manifest(conditions: list[Shown], **more) -> dict:
    """How results were made. `more` are further fields, or other values of these."""
    from support.machine import PACKAGES  # torch takes its time to load

    sheets = conditions[-1].sheets
    return {"seeds": list(dict.fromkeys(base for base, _, _ in sheets)), "student_seeds": 1,
            "python": platform.python_version(),
            "packages": {name: version(name) for name in PACKAGES},
            "device": read_json(sheets[0][2])["model"]["device"], "commit": commit(), **more}


def commit() -> str | None:
    """The commit of the working tree, with "-dirty" where files differ; None without git."""
    with contextlib.suppress(OSError):
        done = subprocess.run(["git", "describe", "--always", "--dirty", "--abbrev=12"], cwd=ROOT,
                              capture_output=True, text=True)
        return done.stdout.strip() or None


def timing(folder: Path) -> dict:
    """Seconds of a run's steps, and the most memory of one, from the records beside their outputs.
    Wall time counts the moments in which any step ran, and no pause between two calls of `make`.
    """
    records = {one["key"]: one for one in map(read_json, sorted(folder.rglob("*.key")))}
    steps = sorted(records.values(), key=lambda one: one["start"])
    wall = end = 0.0
    stages: Counter[str] = Counter()
    for one in steps:
        stop = one["start"] + one["seconds"]
        wall += max(stop - max(one["start"], end), 0.0)
        end = max(stop, end)
        stages[one["function"]] += one["seconds"]
    last = steps[-1] if steps else {}  # a report made by hand may stand in an empty folder
    return {"wall_seconds": round(wall, 1),
            "step_mb": max((one.get("mb", 0) for one in steps), default=0),
            "cores": last.get("cores"),
            "gflops": last.get("gflops"),  # a matrix product's rate, of one core
            "stage_seconds": {name: round(time, 1) for name, time in sorted(stages.items())}}
