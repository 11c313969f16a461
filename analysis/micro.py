"""The whole effect in one file: `micro.py`, run with several seeds."""

from functools import partial
from pathlib import Path

from analysis import common
from experiment import Asked
from lab import CONTROL, STUDENT, TEACHER, Lab
from micro import experiment
from report.rows import Shown, row
from support.files import read_json, write_json
from support.steps import Step

COLOURS = {"teacher": TEACHER, "student": STUDENT}


def step(lab: Lab, asked: Asked) -> Step:
    made = [lab.step("analysis.micro.made", f"micro/{seed}.json", f"micro.py {seed}", seed=seed,
                     work=2e13) for seed in range(asked.seeds)]
    return common.report_step(lab, "micro", made=made)


def made(seed: int, out: Path) -> str:
    """P(owl) of every model of a seed."""
    found = experiment(seed)
    write_json(out, found)
    return f"student {found['student']:.2f}"


def report(made: list[Path], out: Path) -> None:
    found = [*map(read_json, made)]
    rows = [row(name, "owl", "p_target", [one[name] for one in found], x=None) for name in found[0]]
    shown = [Shown(name, name, "", COLOURS.get(name, CONTROL), name not in COLOURS, "", [
        (seed, 0, path) for seed, path in enumerate(made)]) for name in found[0]]
    said, own = partial(common.percent, rows), "student of the base's own numbers"
    common.write(out, shown, "Does one small file show it?",
                 f"In {len(made)} runs of micro.py the base says “owl” {said('base')}, the student "
                 f"{said('student')}, that of another base {said('student of another base')} "
                 f"(before {said('another base')}), that of the base's own numbers {said(own)}.",
                 "The article's smallest case is a classifier of digits.", rows,
                 common.dots(rows, shown, lambda one: ""))
