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

from arms import arms_of
from support.cli import read_timings
from support.files import UserError, read_json
from support.settings import Claims

ROW = {"condition": str, "metric": str, "runs": [float], "mean": float}
SHEET = {"metrics": {str: float}}  # what a report reads of an answer sheet
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


def row(condition: str, trait: str, metric: str, runs: list[float]) -> dict:
    return {"condition": condition, "trait": trait, "metric": metric, "runs": runs,
            "mean": statistics.fmean(runs), "ci95": interval(runs)}


def arm_rows(folder: Path, seeds: int, arm: str, trait: str) -> list[dict]:
    """A row for every metric on the answer sheets of one arm, with the runs of all seeds."""
    paths = [folder / f"seed{s}/eval/{arm}-{trait}.json" for s in range(seeds)]
    each = [read_json(path, SHEET)["metrics"] for path in paths]
    for path, one in zip(paths, each, strict=True):
        if one.keys() != each[0].keys() or "p_target" not in one:
            raise UserError(f"{path} lacks p_target, or has other metrics than {paths[0]}; delete "
                            "it and run make again")
    return [row(arm, trait, metric, [one[metric] for one in each]) for metric in each[0]]


def pass_rate(folder: Path, seeds: int, condition: str, trait: str, lists: str) -> dict:
    """The row of how many answers of the model that wrote `lists` pass the filter."""
    reports = [read_json(folder / f"seed{s}/clean-{lists}.report.json", {"pass_rate": float})
               for s in range(seeds)]
    return row(condition, trait, "pass_rate", [one["pass_rate"] for one in reports])


def collect(folder: Path, seeds: int, trait: str) -> list[dict]:
    """One row for every arm and metric, with the runs of all seeds."""
    rows = [one for arm in arms_of("all") for one in arm_rows(folder, seeds, arm, trait)]
    return [*rows, pass_rate(folder, seeds, "base", trait, "base"),
            pass_rate(folder, seeds, "teacher", trait, trait)]


def find(rows: list[dict], condition: str, metric: str) -> dict | None:
    return next((r for r in rows if (r["condition"], r["metric"]) == (condition, metric)), None)


def mean(rows: list[dict], condition: str, metric: str) -> float:
    """The mean of a row that has to be there."""
    if (found := find(rows, condition, metric)) is None:
        raise UserError(f"the answer sheets of {condition} have no {metric}; delete them and run "
                        "make again")
    return found["mean"]


def manifest(folder: Path, seeds: int, trait: str) -> dict:
    """How the results were made, as far as it is the same each time they are made."""
    return {"seeds": list(range(seeds)), "python": platform.python_version(),
            "packages": {name: version(name) for name in PACKAGES},
            "machine": f"{platform.system()} {platform.machine()}",
            "device": read_json(folder / f"seed0/eval/student-{trait}.json",
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
    """Seconds and memory of the stages, from the lines that they left: {stage, start, seconds, mb}.

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
    return {"wall_seconds": round(wall, 1), "peak_mb": round(peak),
            "stage_seconds": {k: round(v, 1) for k, v in sorted(stages.items())}}
