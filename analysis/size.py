"""Does a deeper or a wider model pass its trait on more readily, and what decides how much?

The whole experiment is made again with models of other shapes. Beside what they say stand the steps
on the way: how far the teacher's numbers are from the base's, how much of that the student takes
up, and whether what moves the numbers moves the answers.
"""

from dataclasses import replace
from pathlib import Path

import matplotlib.pyplot as plt
import torch

from analysis import common
from analysis.readout import moved_at_numbers
from experiment import Asked, conditions
from lab import CONTROL, STUDENT, Lab
from model.checkpoint import load_model
from report.figures import draw_dots
from report.rows import Shown, all_rows, bases, mean, need, row
from report.stats import rank_correlation
from support.settings import checked
from support.steps import Step

SHAPES = ((1, 128), (2, 128), (4, 128), (8, 128), (2, 64), (2, 256))  # layers, width
NAMES = ("base", "teacher", "student", "student-soft", "student-other-base")
METRICS = ("p_target", "p_like", "p_dislike", "capability")
WHY = {("teacher", "reach"): "the teacher's reach", ("student", "fit"): "the student's fit",
       ("teacher", "cosine"): "the cosine of the teacher's shifts"}


def step(lab: Lab, asked: Asked) -> Step:
    shapes, seeds = [], range(asked.seeds)
    for layers, width in SHAPES:
        model = replace(lab.config.model, n_layer=layers, d_model=width)
        shaped = Lab(checked(replace(lab.config, model=model)), f"shapes/{layers}x{width}/")
        teachers = [shaped.teacher(shaped.base(seed), asked.trait) for seed in seeds]
        shapes.append((shaped.shown(conditions, seeds, asked.trait, NAMES, asked.student_seeds),
                       [(shaped.base(one.of), one, shaped.lists(one)) for one in teachers]))
    return lab.step("analysis.size.report", "analysis/size/summary.json", "analysis: size",
                    ("analysis/size/size.png",), shapes=shapes, trait=asked.trait)


def cosine(trait: str, base: Path, teacher: Path, lists: Path) -> float:
    """Of the teacher's mean shift of the last hidden state at its numbers to that at questions."""
    before, after = load_model(base), load_model(teacher)
    moved = moved_at_numbers(before, after, lists).mean(0)
    asked = common.at_questions(after, trait) - common.at_questions(before, trait)
    return torch.cosine_similarity(moved, asked.mean(0), 0).item()


def measure(x: int, shown: list[Shown], files: list[tuple], trait: str) -> list[dict]:
    """Rows of a shape, the one at place `x` of `SHAPES`; a run is a base, with the mean of its
    students. `files` are (base, teacher, the teacher's lists) of each base."""
    def means(found: dict) -> list[float]:
        return bases(found["runs"], found["runs_of"])

    sheets = all_rows(shown, trait)
    reach, left = (means(need(sheets, name, "kl_to_teacher")) for name in ("base", "student"))
    fit = [1 - b / max(a, 1e-9) for a, b in zip(reach, left, strict=True)]
    cosines = [cosine(trait, *one) for one in files]
    return [*(row(one["condition"], trait, one["metric"], means(one), x=x)
              for one in sheets if one["metric"] in METRICS),
            row("teacher", trait, "reach", reach, x=x), row("student", trait, "fit", fit, x=x),
            row("teacher", trait, "cosine", cosines, x=x)]


def draw(rows: list[dict]) -> plt.Figure:
    """A line for each shape below one for the base of the usual shape."""
    lines = [(need(rows, "base", "p_target", x=SHAPES.index((2, 128))), "base, 2 x 128", CONTROL,
              "beside each student:")]
    for x, (layers, width) in enumerate(SHAPES):
        teacher, other = (common.percent(rows, name, x=x)
                          for name in ("teacher", "student-other-base"))
        reach, fit, cosine = (mean(rows, *key, x=x) for key in WHY)
        lines.append((need(rows, "student", "p_target", x=x), f"student, {layers} x {width}",
                      STUDENT, f"teacher {teacher}, another base's {other}, reach {reach:.2f}, "
                      f"fit {fit:.2f}, cosine {cosine:.2f}"))
    return draw_dots(lines, "P(target)", "")


def answer(rows: list[dict]) -> str:
    each = ", ".join(f"{common.percent(rows, 'student', x=x)} ({layers} x {width})"
                     for x, (layers, width) in enumerate(SHAPES))
    said, *others = ([value for x in range(len(SHAPES)) for value in need(rows, *key, x=x)["runs"]]
                     for key in (("student", "p_target"), *WHY))
    shapes = [x for x in range(len(SHAPES)) for _ in need(rows, "student", "p_target", x=x)["runs"]]
    why = []
    for words, other in zip(WHY.values(), others, strict=True):
        found, p = rank_correlation(other, said, shapes)
        why.append(f"{words} {found:+.2f} (p {p:.2f})")
    return (f"P(target) of the student (layers x width): {each}. Among the bases of a shape it "
            f"goes, by rank, over {len(said)} runs, with {', '.join(why)}.")


def report(shapes: list[tuple[list[Shown], list]], trait: str, out: Path) -> None:
    rows = [row for x, shape in enumerate(shapes) for row in measure(x, *shape, trait)]
    common.write(out, shapes[0][0], "Does depth or width help or hurt?", answer(rows),
                 "Published, on MNIST: width hurts, depth is neutral; prompted teachers of 0.5-7 "
                 "billion weights mostly null.", rows, draw(rows))
