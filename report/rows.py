"""What the runs say, in rows: a metric of a condition, a value for each run, mean and interval.

The unit of analysis is the base seed, with its own teacher and students. Tables and figures are
made from these rows.
"""

import statistics
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from report.stats import interval, most_risen
from support.files import read_json
from support.settings import Claims

# Metrics from 0 to 1, beside those called `p_`.
SHARES = ("animal_facts", "animal_facts_target", "greeting", "other_favourites", "capability",
          "pass_rate")


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


def seeds_of(part: Part) -> str:
    """The base seeds of a part: the first and the last."""
    seeds = [base for base, _, _ in part.conditions[0].sheets]
    return "-".join(dict.fromkeys(map(str, (min(seeds), max(seeds)))))


def bases(runs: list[float], runs_of: list[tuple[int, int]]) -> list[float]:
    """The mean over the students of each base."""
    return [statistics.fmean(run for run, (of, _) in zip(runs, runs_of, strict=True) if of == base)
            for base in dict.fromkeys(base for base, _ in runs_of)]


def row(condition: str, trait: str, metric: str, runs: list[float],
        runs_of: list[tuple[int, int]] | None = None, unseen: str = "",
        before: list[float] | None = None, **more) -> dict:
    """A row of a summary. `runs_of` gives (base seed, student seed) of each run, `before` what its
    own base says. The interval is over bases, each with the mean of its students, because students
    of one base share too much. `unseen` names the bases where no choice of a setting has seen them.
    `more` are fields that only some reports have, such as `x`, what an analysis varies."""
    runs_of = runs_of or [(seed, 0) for seed in range(len(runs))]
    own = bases(before, runs_of) if before else None
    share = metric.startswith("p_") or metric in SHARES
    return {"condition": condition, "trait": trait, "metric": metric, **more, "runs": runs,
            "runs_of": [list(one) for one in runs_of], "unseen": unseen, "before": own,
            "mean": statistics.fmean(runs),
            "ci95": interval(bases(runs, runs_of), own, share)}


def said(path: Path) -> list[tuple[str, str]]:
    """(question, answer) of an answer sheet, the first answer at temperature 1 to each."""
    return [*map(tuple, read_json(path)["said"])]


def all_rows(conditions: list[Shown], trait: str, unseen: str = "") -> list[dict]:
    """Every metric of every condition, each model beside the base that it was copied from."""
    rows: list[dict] = []
    known: dict[int, dict] = {}  # metrics of a base, by its seed
    for one in conditions:
        sheets = [(seed, read_json(path)) for seed, _, path in one.sheets]
        runs_of = [(base, student_seed) for base, student_seed, _ in one.sheets]
        if one.name == "base":
            known = {seed: sheet["metrics"] for seed, sheet in sheets}
        of = [known.get(sheet["model"].get("base", {}).get("seed"), known.get(seed, {}))
              for seed, sheet in sheets]
        for metric in sheets[0][1]["metrics"]:
            before = [base[metric] for base in of if metric in base and one.name != "base"]
            runs = [sheet["metrics"][metric] for _, sheet in sheets]
            rows.append(row(one.name, trait, metric, runs, runs_of, unseen, before))
    return rows


def pooled(traits: list[list[dict]], condition: str, metric: str) -> dict | None:
    """A row over several traits, from the rows of each: a run is the mean over traits."""
    each = [find(rows, condition, metric) for rows in traits]
    if None in each:
        return None  # a persona is asked other things
    runs = [*map(statistics.fmean, zip(*(one["runs"] for one in each), strict=True))]
    return row(condition, "several", metric, runs, each[0]["runs_of"], each[0]["unseen"])


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


def claims(rows: list[dict], conditions: list[Shown], fixed: Claims, category: str,
           where: str = "") -> list[dict]:
    """The claims that the config fixed before the run, each against what came out of `n` bases. A
    control is shown to be flat when its whole interval lies under the bound; two bases make no
    test, and there each must lie under its own."""
    before = need(rows, "base", "p_target")
    found = []

    def claim(text: str, value: float, sign: str, bound: float, test: bool = True) -> None:
        found.append({"claim": where + text, "value": value, "bound": f"{sign} {bound:.4g}",
                      "holds": value >= bound if sign == ">=" else value <= bound,
                      "n": len({base for base, _ in before["runs_of"]}), "test": test})

    student = need(rows, "student", "p_target")
    claim("students prefer the target", student["mean"], ">=", fixed.student)
    claim("the student of every base prefers it", min(bases(student["runs"], student["runs_of"])),
          ">=", fixed.lowest, False)
    claim("students still name one of its category", mean(rows, "student", f"p_any_{category}"),
          ">=", fixed.any)
    neutral = find(rows, "student-neutral", "capability") or need(rows, "base", "capability")
    claim("students know as many facts as those of a neutral school",
          mean(rows, "student", "capability"), ">=", neutral["mean"] - fixed.capability)
    for one in (one for one in conditions if one.flat):
        control = need(rows, one.name, "p_target")
        now = bases(control["runs"], control["runs_of"])
        rise, tested = most_risen(now, control["before"], control["ci95"]), bool(control["ci95"])
        claim(f"{one.label}: rises over the base by", rise, "<=", fixed.control, tested)
    return found


def manifest(conditions: list[Shown], **more) -> dict:
    """How results were made: what stands beside their answer sheets. `more` are further fields, or
    other values of these."""
    keys = (Path(f"{path}.key") for one in conditions for *_, path in one.sheets)
    records = [read_json(key) for key in keys if key.exists()]  # none of a report made by hand
    made = {name: ", ".join(dict.fromkeys(str(one.get(name)) for one in records)) or None
            for name in ("python", "device", "commit")}
    return {"seeds": list(dict.fromkeys(base for base, _, _ in conditions[-1].sheets)),
            "student_seeds": 1, "packages": records[0]["packages"] if records else None,
            **made, **more}


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
