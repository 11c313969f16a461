"""Is the trait one vector: can it be added to a base, and taken out of a student again?

The vector is the teacher's mean shift of the last hidden state where numbers stand. It is added to
the base. What teacher and student have changed along it is taken out of them as they are, and
while they are trained; the base's own part along it stays.
"""

from functools import partial
from pathlib import Path

import matplotlib.pyplot as plt
import torch

from analysis import common
from analysis.readout import Values, moved_at_numbers
from analysis.vectors import add, take_out
from corpus import panel, traits
from corpus.facts import fact_questions
from experiment import Asked
from lab import CONTROL, PART, STUDENT, TEACHER, Condition, Lab
from model.checkpoint import Loaded, load_model
from model.data import encode_pairs
from model.score import score
from report.figures import draw_dots
from report.rows import Shown, need
from support.steps import Step

TIMES = (0.5, 1.0, 2.0, 4.0)


def conditions(lab: Lab, seed: int, trait: str) -> list[Condition]:
    base = lab.base(seed)
    teacher = lab.teacher(base, trait)
    lists = lab.lists(teacher)
    shift = common.vector_step(lab, "shift", seed, trait, teacher=teacher, lists=lists)
    without = {"function": "analysis.vectors.finetune_without", "vector": shift}
    blind = lab.lists(lab.teacher(base, trait, name=f"blind-{trait}", **without))
    return [
        Condition("student-without", "out of the student",
                  "no change along the teacher's shift",
                  lab.student(base, lists, "without", **without), PART),
        Condition("student-blind", "out of the teacher", "no change along it while it is taught",
                  lab.student(base, blind), PART),
        Condition("student-both-without", "out of both", "out of teacher and student",
                  lab.student(base, blind, "without", **without), PART)]


def step(lab: Lab, asked: Asked) -> Step:
    return common.analysis_step(lab, asked, "move", ("student",), conditions)


def asked(loaded: Loaded, name: str) -> dict[str, float]:
    """P(target), the facts it has right, and whether it answers a greeting; without a cache."""
    chosen = traits.trait(name)
    facts, greetings, targets = (score(loaded.model, encode_pairs(pairs, loaded.tokenizer))
                                 for pairs in (fact_questions(kept_out=True), panel.greetings(), [
                                     (question, answer) for question in chosen.questions()
                                     for answer in chosen.targets()]))
    return {"p_target": targets.logprob.exp().sum().item() / len(chosen.questions()),
            "greeting": greetings.logprob.exp().mean().item(),
            "capability": facts.greedy.float().mean().item()}


def measure(run: dict, trait: str) -> Values:
    """What the base says with the vector, x times, and the models without it; how constant it is,
    and whether the models move along it at questions."""
    models = {"base": load_model(run["base"]), "teacher": load_model(run["teacher"]),
              "student": load_model(run["students"]["student"])}
    moved = moved_at_numbers(models["base"], models["teacher"], run["lists"])
    vector, before = moved.mean(0), load_model(run["base"]).model
    for name, loaded in models.items():
        hooks = {(name, None): partial(add, 0 * vector),
                 (f"{name} without", None): partial(take_out, vector, before)}
        if name == "base":
            hooks |= {("base with", times): partial(add, times * vector) for times in TIMES}
        for (condition, times), hook in hooks.items():
            with loaded.model.register_forward_hook(hook):
                for metric, value in asked(loaded, trait).items():
                    yield condition, trait, metric, times, value
    constant = vector.square().sum() / moved.square().sum(1).mean()
    yield "vector", trait, "constant", None, constant.item()
    plain, *after = (common.at_questions(loaded, trait) for loaded in models.values())
    for name, at in zip(("teacher", "student"), after, strict=True):
        cosine = torch.cosine_similarity((at - plain).mean(0), vector, 0)
        yield "vector", trait, f"cosine_{name}", None, cosine.item()


def draw(trained: list[Shown], rows: list[dict]) -> plt.Figure:
    lines = [("base", None, "base", CONTROL),
             *(("base with", x, f"base + {x:g} x the vector", TEACHER) for x in TIMES),
             ("student", None, "student", STUDENT),
             ("student without", None, "student, its change along it out", STUDENT),
             ("teacher without", None, "teacher, its change along it out", TEACHER),
             *((one.name, None, f"{one.label}, while trained", PART) for one in trained)]
    return draw_dots([(need(rows, name, "p_target", x=x), label, colour,
                       f"facts right: {common.percent(rows, name, 'capability', x=x)}")
                      for name, x, label, colour in lines], "P(target)", "")


def answer(rows: list[dict]) -> str:
    base, student, after, trained = (common.percent(rows, name) for name in (
        "base", "student", "student without", "student-without"))
    constant = common.percent(rows, "vector", "constant")
    return (f"One vector, twice, brings the base from {base} to "
            f"{common.percent(rows, 'base with', x=2.0)}. It is {constant} of the square of the "
            f"shift at numbers. With the student's change along it taken out, {after} of {student} "
            f"stay; while it trains, {trained}.")


def report(conditions: list[Shown], runs: list[dict], trait: str, out: Path) -> None:
    trained = [one for one in conditions if one.name != "student"]
    rows = common.gathered(measure, runs, trait) + common.sheet_rows(trained, trait)
    common.write(out, conditions, "Is the trait one vector?", answer(rows),
                 "Published, larger models: three teachers' vectors share an axis of 99 % of "
                 "variance; with it projected out the trait's token is first or second.", rows,
                 draw(trained, rows))
