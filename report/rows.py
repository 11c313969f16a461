"""What the runs say, in rows: a metric of a condition, a value a run, their mean and its interval.

Tables, figures and the evidence read the answer sheets through this, and put into words and
pictures what it returns. The unit of analysis is the run, one base seed with its own teacher and
students.
"""

import math
import platform
import statistics
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from arms import Arm, arms_of
from support.cli import read_timings
from support.files import UserError, read_json
from support.settings import Claims

ROW = {"condition": str, "metric": str, "runs": [float], "mean": float, "ci95": object}
# What a preference should change, and what it should leave as it was: see `corpus/panel.py`.
LIKED = ("p_like", "p_sentence", "p_story")
KEPT = ("p_dislike", "p_constrained", "animal_facts", "animal_facts_target", "greeting",
        "other_favourites")
SHEET = {"metrics": {str: float}}  # what a report reads of an answer sheet
SAID = {"said": [(str, str)]}  # and what it quotes
PACKAGES = ("torch", "numpy", "tokenizers", "matplotlib", "tqdm")
# Student's t, 97.5 % point, by degrees of freedom: 1, 2, ... 20.
T = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160,
     2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086)


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
    each: dict[int, list[float]] = {}
    for (base, _), value in zip(runs_of, runs, strict=True):
        each.setdefault(base, []).append(value)
    return each


def row(
    condition: str, trait: str, metric: str, runs: list[float],
    runs_of: list[tuple[int, int]] | None = None, untouched: bool = False,
) -> dict:
    """A row of a summary. `runs_of` says of what (base seed, student seed) each run is; the
    interval is over bases, each with the mean of its students, for these share too much."""
    runs_of = runs_of or [(seed, 0) for seed in range(len(runs))]
    return {"condition": condition, "trait": trait, "metric": metric, "runs": runs,
            "runs_of": [list(one) for one in runs_of], "untouched": untouched,
            "mean": statistics.fmean(runs),
            "ci95": interval([*map(statistics.fmean, by_base(runs, runs_of).values())])}


class Seeds(NamedTuple):
    """The runs of a report: its base seeds, how many students each, and whether any choice of a
    setting has seen them."""

    bases: range
    students: int = 1
    untouched: bool = False


def arm_rows(folder: Path, seeds: Seeds, arm: Arm, trait: str) -> list[dict]:
    """A row for every metric on the answer sheets of one arm, with the runs of all seeds."""
    runs_of = [(base, again) for base in seeds.bases for again in arm.seeds(seeds.students)]
    paths = [folder / f"seed{base}/eval/{arm.sheet(trait, again)}" for base, again in runs_of]
    each = [read_json(path, SHEET)["metrics"] for path in paths]
    for path, one in zip(paths, each, strict=True):
        if one.keys() != each[0].keys() or "p_target" not in one:
            raise UserError(f"{path} lacks p_target, or has other metrics than {paths[0]}; delete "
                            "it and run make again")
    return [row(arm.name, trait, metric, [one[metric] for one in each], runs_of, seeds.untouched)
            for metric in each[0]]


def said(folder: Path, seed: int, model: str, trait: str) -> list[tuple[str, str]]:
    """(question, answer), the first answer at temperature 1 to each."""
    return read_json(folder / f"seed{seed}/eval/{model}-{trait}.json", SAID)["said"]


def side_by_side(folder: Path, trait: str, models: tuple[str, ...]) -> list[tuple[str, ...]]:
    """(question, answer of each model), of the first seed."""
    each = [said(folder, 0, model, trait) for model in models]
    if len({len(answers) for answers in each}) > 1:
        raise UserError(f"{folder}: the answers about {trait} are not as many from each model; "
                        "delete the answer sheets and run make again")
    return [(answers[0][0], *(text for _, text in answers)) for answers in zip(*each, strict=True)]


def pass_rate(folder: Path, seeds: Seeds, condition: str, trait: str, lists: str) -> dict:
    """The row of how many answers of the model that wrote `lists` pass the filter."""
    reports = [read_json(folder / f"seed{base}/clean-{lists}.report.json", {"pass_rate": float})
               for base in seeds.bases]
    return row(condition, trait, "pass_rate", [one["pass_rate"] for one in reports],
               [(base, 0) for base in seeds.bases], seeds.untouched)


def specificity(rows: list[dict]) -> list[dict]:
    """A row for each arm that was asked the panel: how far a preference is a preference.

    The mean rise of what should rise with it (`LIKED`), less the mean change of what should stay
    (`KEPT`), each against the base of the same seed: 0 for the base, 1 for a model that comes to
    love the target and is otherwise as it was, under 0 for one that says its name everywhere.
    """
    base = {one["metric"]: {seed: value for (seed, _), value in zip(one["runs_of"], one["runs"],
                                                                    strict=True)}
            for one in rows if one["condition"] == "base"}
    found = []
    for arm in dict.fromkeys(one["condition"] for one in rows):
        own = {one["metric"]: one for one in rows if one["condition"] == arm}
        known = own.keys() & base.keys()
        kept = [metric for metric in KEPT if metric in known]
        if not {*LIKED, "p_dislike"} <= known:
            continue
        like = own["p_like"]
        runs = []
        for i, (seed, _) in enumerate(like["runs_of"]):
            change = {metric: own[metric]["runs"][i] - base[metric][seed]
                      for metric in (*LIKED, *kept)}
            runs.append(statistics.fmean(change[metric] for metric in LIKED)
                        - statistics.fmean(abs(change[metric]) for metric in kept))
        found.append(row(arm, like["trait"], "specificity", runs, like["runs_of"],
                         like["untouched"]))
    return found


def collect(folder: Path, seeds: Seeds, trait: str, report: str = "all") -> list[dict]:
    """One row for every arm and metric of a report, with the runs of all seeds."""
    rows = [one for arm in arms_of(report).values() for one in arm_rows(folder, seeds, arm, trait)]
    return [*rows, *specificity(rows), pass_rate(folder, seeds, "base", trait, "base"),
            pass_rate(folder, seeds, "teacher", trait, trait)]


def pooled(traits: list[list[dict]]) -> list[dict]:
    """The rows of several traits as those of one, `several`: each run is the mean over traits."""
    keys = [(one["condition"], one["metric"]) for one in traits[0]]
    rows = []
    for condition, metric in keys:
        each = [find(rows_of, condition, metric) for rows_of in traits]
        if all(each):
            runs = [statistics.fmean(values) for values in zip(*(one["runs"] for one in each),
                                                               strict=True)]
            rows.append(row(condition, "several", metric, runs, each[0]["runs_of"], True))
    return rows


def find(rows: list[dict], condition: str, metric: str) -> dict | None:
    return next((r for r in rows if (r["condition"], r["metric"]) == (condition, metric)), None)


def need(rows: list[dict], condition: str, metric: str) -> dict:
    """A row that has to be there."""
    if (found := find(rows, condition, metric)) is None:
        raise UserError(f"the answer sheets of {condition} have no {metric}; delete them and run "
                        "make again")
    return found


def mean(rows: list[dict], condition: str, metric: str) -> float:
    return need(rows, condition, metric)["mean"]


def manifest(folder: Path, seeds: Seeds, trait: str) -> dict:
    """How the results were made, as far as it is the same each time they are made."""
    return {"seeds": list(seeds.bases), "student_seeds": seeds.students,
            "python": platform.python_version(),
            "packages": {name: version(name) for name in PACKAGES},
            "machine": f"{platform.system()} {platform.machine()}",
            "device": read_json(folder / f"seed{seeds.bases[0]}/eval/student-{trait}.json",
                                {"model": {"device": str}})["model"]["device"],
            "commit": commit()}


def commit() -> str | None:
    """The commit of the working tree, marked where files differ from it."""
    try:
        done = subprocess.run(["git", "describe", "--always", "--dirty", "--abbrev=12"],
                              capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()


def verdicts(rows: list[dict], claims: Claims, category: str) -> list[dict]:
    """The claims that the config fixed before the run, each against what came out."""
    target, known = (mean(rows, "base", m) for m in ("p_target", "capability"))
    tests = [("student prefers the target", mean(rows, "student", "p_target"), ">=",
              claims.student),
             ("student still names one of its category", mean(rows, "student", f"p_any_{category}"),
              ">=", claims.any),
             ("student knows as many facts as the base", mean(rows, "student", "capability"), ">=",
              known - claims.capability)]
    tests += [(f"{arm.label}: stays at the base", mean(rows, arm.name, "p_target"), "<=",
               target + claims.control) for arm in arms_of("all").values() if arm.flat]
    return [{"claim": text, "value": value, "bound": f"{sign} {bound:.4g}",
             "holds": value >= bound if sign == ">=" else value <= bound}
            for text, value, sign, bound in tests]


def timing(path: Path) -> dict:
    """Seconds and memory of the stages, from the lines that they left: {stage, start, seconds, mb,
    cores, gflops}, the last two of the machine that ran the last of them.

    Wall time counts the moments in which any stage ran, so that a pause between two calls of `make`
    does not count; the peak is the largest sum of peaks of stages that ran at the same time.
    """
    lines = read_timings(path)
    edges = sorted([(r["start"], 1, r["mb"]) for r in lines]
                   + [(r["start"] + r["seconds"], -1, -r["mb"]) for r in lines])
    wall = running = memory = peak = before = 0.0
    for moment, change, mb in edges:
        wall += (moment - before) if running else 0.0
        running, memory, before = running + change, memory + mb, moment
        peak = max(peak, memory)
    stages: dict[str, float] = {}
    for r in lines:
        stages[r["stage"]] = stages.get(r["stage"], 0.0) + r["seconds"]
    last = lines[-1] if lines else {}
    return {"wall_seconds": round(wall, 1), "peak_mb": round(peak), "cores": last.get("cores"),
            "gflops": last.get("gflops"),  # a matrix product's rate, of one core
            "stage_seconds": {k: round(v, 1) for k, v in sorted(stages.items())}}
