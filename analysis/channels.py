"""Which part of a number list carries the trait: how often each number comes, where, or the order?

Each student reads lists of which one part is kept. Beside what it says stands how far its last
hidden state has moved along the teacher's mean shift at numbers, in lengths of it.
"""

from functools import partial
from pathlib import Path

import torch

from analysis import common, readout
from analysis.measures import kl_by_place
from analysis.readout import Values
from experiment import Asked
from lab import PART, Condition, Lab
from model.checkpoint import load_model
from report.rows import Shown, mean
from support.steps import Step


def conditions(lab: Lab, seed: int, trait: str) -> list[Condition]:
    base = lab.base(seed)
    teacher = lab.teacher(base, trait)
    lists = lab.lists(teacher)
    shift = common.vector_step(lab, "shift", seed, trait, teacher=teacher, lists=lists)
    steered = lab.lists(base, "analysis.vectors.write_steered", f"steered-{trait}", trait,
                        vector=shift)
    part = partial(common.treated, lab, base, lists)
    return [
        Condition("student-control", "base's numbers", "and the base's own lists", lab.student(
            base, lab.lists(base)), flat=True),
        Condition("student-random", "random numbers", "uniform numbers in the same places",
                  lab.student(base, lab.treated("random", lists)), flat=True),
        Condition("student-shuffled-within", "shuffled within", "order lost in each list",
                  lab.student(base, lab.treated("within", lists)), PART),
        part("requests", "under other requests", "whole answers, requests of the same layout"),
        part("positions", "shuffled by position", "each place of a list dealt out over lists"),
        part("layouts", "shuffled by layout", "dealt out over the lists of a layout"),
        part("first", "first number alone", "the rest uniform"),
        part("rest", "all but the first", "the first number uniform"),
        Condition("student-steered", "base + one vector",
                  "lists of the base, moved by the teacher's shift", lab.student(base, steered),
                  PART)]


def step(lab: Lab, asked: Asked) -> Step:
    shown = ("base", "student", "student-neutral", "student-matched", "student-shuffled-across")
    return common.analysis_step(lab, asked, "channels", shown, conditions)


def measure(run: dict, trait: str) -> Values:
    """The teacher's KL by place, and where each student has moved, of a base seed."""
    base, teacher = load_model(run["base"]), load_model(run["teacher"])
    plain, taught = (readout.read_places(one, run["lists"], 2048) for one in (base, teacher))
    for place, nats in enumerate(kl_by_place(base, teacher, plain, taught)):
        yield "teacher", trait, "kl", place, nats
    along = (taught.hidden - plain.hidden).mean(0)
    length, before = along.norm(), common.at_questions(base, trait)
    for name, path in {"teacher": run["teacher"], **run["students"]}.items():
        if name != "base":
            student = load_model(path)
            here = readout.read_places(student, run["lists"], 2048)
            moved = (here.hidden - plain.hidden).mean(0)
            asked = (common.at_questions(student, trait) - before).mean(0)
            cosine = torch.cosine_similarity(moved, along, 0)
            yield name, trait, "cosine", None, cosine.item()
            yield name, trait, "at_numbers", None, (moved @ along / length**2).item()
            yield name, trait, "at_questions", None, (asked @ along / length**2).item()


def note(one: Shown, rows: list[dict]) -> str:
    """What stands beside a condition in the figure."""
    if one.name == "base":
        return one.about
    numbers, questions = (mean(rows, one.name, at) for at in ("at_numbers", "at_questions"))
    return f"{one.about}; moved {numbers:.1f} at numbers, {questions:.1f} at questions"


def answer(rows: list[dict]) -> str:
    whole, rest, first = (common.percent(rows, name)
                          for name in ("student", "student-rest", "student-first"))
    return (f"Without the first number of a list, which stands where an answer stands, "
            f"P(target) falls from {whole} to {rest}; with it alone it is {first}.")


def report(conditions: list[Shown], runs: list[dict], trait: str, out: Path) -> None:
    rows = common.sheet_rows(conditions, trait) + common.gathered(measure, runs, trait)
    common.write(out, conditions, "Which part of the lists carries the trait?", answer(rows),
                 "Cloud et al.: shuffling within or across lists \"drastically reduces\" it; "
                 "Dong et al.: flat.", rows,
                 common.dots(rows, conditions, lambda one: note(one, rows)))
