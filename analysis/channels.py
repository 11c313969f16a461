"""Which part of a number list carries the trait: how often each number comes, where, or the order?

    python -m analysis.channels --run runs/laptop --seeds 5

Students of lists of which one part is kept each. Beside what they say stand the KL of the
teacher's odds from the base's by the place in a list, and how far a student's last hidden state has
moved along the teacher's mean shift at numbers, in lengths of it: where numbers stand, and where
the trait is asked for.
"""

from pathlib import Path

from analysis import (
    at_questions,
    dots,
    flags,
    found,
    lists_of,
    model_of,
    percent,
    row,
    sheet_rows,
    write,
)
from arms import ARMS
from model.gpt import GPT
from support.cli import run
from vector.readout import Places, number_heads, number_places, odds, shifts

import matplotlib.pyplot as plt
import torch

SHOWN = ("base", "student", "student-requests", "student-positions", "student-shuffled-within",
         "student-layouts", "student-shuffled-across", "student-first", "student-rest",
         "student-steered", "student-random")
PLACES, LISTS = 7, 2048


@torch.inference_mode()
def kl_by_place(
    base: GPT, teacher: GPT, plain: Places, taught: Places, numbers: range
) -> list[float]:
    """KL(teacher || base) over the numbers, in nats, at the first, second, ... of a list."""
    both = zip(*(odds(places, number_heads(model, numbers), 1.0)
                 for model, places in ((base, plain), (teacher, taught))), strict=True)
    nats = torch.cat([(own * (own.log() - before.log())).sum(-1)
                      for (_, before, _), (_, own, _) in both])
    first = torch.searchsorted(plain.row_of, plain.row_of)  # of each place's list
    place = torch.arange(len(plain.said)) - first
    return [nats[place == at].mean().item() for at in range(min(PLACES, int(place.max()) + 1))]


def measure(folder: Path, seeds: int, name: str) -> list[dict]:
    """What the students say, the teacher's KL by place, and each student's shift."""
    rows = sheet_rows(folder, seeds, list(SHOWN), name)
    each: dict[tuple, list[float]] = {}
    for seed in range(seeds):
        loaded, teacher = (model_of(folder, seed, stem) for stem in ("base", f"teacher-{name}"))
        numbers = loaded.tokenizer.number_ids
        lists = lists_of(folder, seed, f"clean-{name}", loaded, LISTS)
        plain, taught = (number_places(one.model, lists, numbers) for one in (loaded, teacher))
        for place, nats in enumerate(kl_by_place(loaded.model, teacher.model, plain, taught,
                                                 numbers)):
            each.setdefault(("teacher", "kl", place), []).append(nats)
        along = (taught.hidden - plain.hidden).mean(0)
        length, before = along.norm(), at_questions(loaded, name)
        for arm in ("teacher", *SHOWN[1:]):
            student = model_of(folder, seed, ARMS[arm].file(name))
            moved = shifts(student.model, plain, lists, numbers).mean(0)
            asked = (at_questions(student, name) - before).mean(0)
            for metric, value in (("cosine", torch.cosine_similarity(moved, along, 0)),
                                  ("at_numbers", moved @ along / length**2),
                                  ("at_questions", asked @ along / length**2)):
                each.setdefault((arm, metric, None), []).append(value.item())
    return rows + [row(arm, name, metric, x, runs) for (arm, metric, x), runs in each.items()]


def answer(rows: list[dict]) -> str:
    say = {arm: percent(found(rows, arm, "p_target")) for arm in SHOWN}
    later = max(one["mean"] for one in rows if one["metric"] == "kl" and one["x"])
    return (f"Without the first number of a list, which stands where an answer stands, P(target) "
            f"falls from {say['student']} to {say['student-rest']};\nwith it alone it is "
            f"{say['student-first']}. The teacher moves it by "
            f"{found(rows, 'teacher', 'kl', 0)['mean']:.2f} nats, no other by over {later:.2f}.")


def draw(rows: list[dict]) -> plt.Figure:
    def moved(arm: str) -> str:
        if arm == "base":
            return ARMS[arm].about
        at = [found(rows, arm, metric)["mean"] for metric in ("at_numbers", "at_questions")]
        return f"{ARMS[arm].about}; moved {at[0]:.1f} at numbers, {at[1]:.1f} at questions"

    return dots(list(SHOWN), rows, moved)


def main() -> None:
    args = flags(__doc__).parse_args()
    rows = measure(args.run, args.seeds, args.trait)
    write(args, "channels", "Which part of the lists carries the trait?", answer(rows),
          "Cloud et al.: shuffling within or across lists \"drastically reduces\" it; Dong et al.: "
          "flat.", rows, draw(rows))


if __name__ == "__main__":
    torch.set_num_threads(1)
    run(main)
