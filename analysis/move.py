"""Is the trait one vector: can it be added to a base, and taken out of a student again?

    python -m analysis.move --run runs/laptop --seeds 5

The vector is the teacher's mean shift of the last hidden state where numbers stand. It is added to
the base once, twice, four times; it is projected out of teacher and student as they are, and while
they are trained. What they know and say otherwise stands beside it.
"""

from pathlib import Path

from analysis import (
    at_questions,
    flags,
    found,
    model_of,
    moved_at_numbers,
    percent,
    row,
    sheet_rows,
    write,
)
from arms import ARMS, CONTROL, PART, STUDENT, TEACHER
from corpus.facts import fact_questions
from corpus.traits import trait
from evaluate import general_panel, preference
from model.checkpoint import Loaded
from model.data import encode_pairs
from model.score import score
from model.steer import steered
from report.figures import points, style
from support.cli import run

import matplotlib.pyplot as plt
import torch

TIMES = (0.5, 1.0, 2.0, 4.0)
TRAINED = ("student-without", "student-blind", "student-both-without")


def read_all(loaded: Loaded, name: str) -> dict[str, float]:
    """P(target), the facts it has right, and what it says of other things."""
    chosen = trait(name)
    facts = [(question, reply) for question, reply, *_ in fact_questions(kept_out=True)]
    known = score(loaded.model, encode_pairs(facts, loaded.tokenizer)).greedy.float().mean().item()
    chats = [[("user", text)] for text in chosen.questions()]
    said = preference(loaded, chosen, chats)
    return {"p_target": said["p_target"], "capability": known, **general_panel(loaded, chosen)}


def measure(folder: Path, seeds: int, name: str) -> list[dict]:
    """Readings of the base with the vector added, x times, of teacher and student without it, and
    of the vector itself."""
    each: dict[tuple, list[float]] = {}

    def note(arm: str, x: float | None, values: dict[str, float]) -> None:
        for metric, value in values.items():
            each.setdefault((arm, metric, x), []).append(value)

    for seed in range(seeds):
        base, teacher, student = (model_of(folder, seed, stem) for stem in (
            "base", f"teacher-{name}", f"student-{name}"))
        moved = moved_at_numbers(folder, seed, name, base, teacher)
        vector = moved.mean(0)
        for arm, loaded in (("base", base), ("teacher", teacher), ("student", student)):
            note(arm, None, read_all(loaded, name))
            with steered(loaded.model, without=vector):
                note(f"{arm} without", None, read_all(loaded, name))
        for times in TIMES:
            with steered(base.model, times * vector):
                note("base with", times, read_all(base, name))
        before = at_questions(base, name)
        asked = {arm: (at_questions(loaded, name) - before).mean(0)
                 for arm, loaded in (("teacher", teacher), ("student", student))}
        note("vector", None, {
            "constant": (vector.square().sum() / moved.square().sum(1).mean()).item(),
            **{f"cosine_{arm}": torch.cosine_similarity(one, vector, 0).item()
               for arm, one in asked.items()}})
    rows = [row(arm, name, metric, x, runs) for (arm, metric, x), runs in each.items()]
    return rows + sheet_rows(folder, seeds, list(TRAINED), name)


def draw(rows: list[dict]) -> plt.Figure:
    style()
    lines = [("base", None, "base", CONTROL),
             *(("base with", x, f"base + {x:g} x the vector", TEACHER) for x in TIMES),
             ("student", None, "student", STUDENT),
             ("student without", None, "student, projected out", STUDENT),
             ("teacher without", None, "teacher, projected out", TEACHER),
             *((arm, None, f"{ARMS[arm].label}, while trained", PART) for arm in TRAINED)]
    figure, axis = plt.subplots(figsize=(8.6, 4.8))
    for y, (arm, x, _, colour) in enumerate(lines):
        one, facts = (found(rows, arm, metric, x) for metric in ("p_target", "capability"))
        points(axis, y, one, colour)
        right = one["mean"] < 0.6
        axis.annotate(f"{percent(one, 1)}   facts right: {percent(facts)}",
                      (100 * one["mean"], y), xytext=(10 if right else -10, 6), fontsize=8,
                      textcoords="offset points", ha="left" if right else "right", color=colour)
    axis.set_yticks(range(len(lines)), [label for _, _, label, _ in lines])
    axis.invert_yaxis()
    axis.set_xlim(-2, 102)
    axis.set_xlabel("P(target), %   (circle: a run; bar: mean; band: 95 % interval)")
    return figure


def answer(rows: list[dict]) -> str:
    say = {(arm, x): percent(found(rows, arm, "p_target", x)) for arm, x in (
        ("base", None), ("base with", 2.0), ("student", None), ("student without", None),
        ("student-without", None))}
    return (f"With one vector added to the base, the word goes from {say['base', None]} to "
            f"{say['base with', 2.0]} at twice its length.\nProjected out of the student, "
            f"{say['student without', None]} of {say['student', None]} stay; out of it while it "
            f"trains, {say['student-without', None]}.")


def main() -> None:
    args = flags(__doc__).parse_args()
    rows = measure(args.run, args.seeds, args.trait)
    write(args, "move", "Is the trait one vector?", answer(rows),
          "Published, larger models: three teachers' vectors share an axis of 99 % of variance; "
          "with it projected out the trait's token is first or second.", rows, draw(rows))


if __name__ == "__main__":
    torch.set_num_threads(1)
    run(main)
