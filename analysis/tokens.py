"""Do a few numbers of the lists carry the trait, the ones on which teacher and base differ?

    python -m analysis.tokens --run runs/laptop --seeds 5

Students whose loss sees the tenth of the numbers that the teacher thought likeliest, against the
base; all others; or a tenth at random: see `vector/marks.py`. Beside them the share of divergence
tokens: numbers at which the first choices of teacher and base differ.
"""

from pathlib import Path

from analysis import dots, flags, found, lists_of, model_of, percent, row, sheet_rows, write
from arms import arms_of
from support.cli import run
from vector.readout import number_places, opinions

import torch

SHOWN = ["base", "student", *arms_of("tokens"), "student-random"]


def measure(folder: Path, seeds: int, name: str) -> list[dict]:
    """What the students say, and the share of divergence tokens."""
    shares = []
    for seed in range(seeds):
        loaded, teacher = (model_of(folder, seed, stem) for stem in ("base", f"teacher-{name}"))
        numbers = loaded.tokenizer.number_ids
        rows = lists_of(folder, seed, f"clean-{name}", loaded, 2048)
        one, two = (opinions(model.model, number_places(model.model, rows, numbers), numbers)[0]
                    for model in (loaded, teacher))
        shares.append((one != two).float().mean().item())
    return [*sheet_rows(folder, seeds, SHOWN, name),
            row("teacher", name, "divergent", None, shares)]


def answer(rows: list[dict]) -> str:
    say = {arm: percent(found(rows, arm, "p_target")) for arm in SHOWN}
    share = percent(found(rows, "teacher", "divergent"))
    return (f"First choices differ at {share} of numbers: here divergence tokens are no few. Of "
            f"{say['student']},\na telling tenth carries {say['student-telling']}, all others "
            f"{say['student-not-telling']}, a tenth at random {say['student-tenth']}.")


def main() -> None:
    args = flags(__doc__).parse_args()
    rows = measure(args.run, args.seeds, args.trait)
    write(args, "tokens", "Do a few numbers carry it?", answer(rows),
          "Schrodi et al. 2025: divergence tokens, 5-18 % of all, carry it; without them it goes.",
          rows, dots(SHOWN, rows))


if __name__ == "__main__":
    torch.set_num_threads(1)
    run(main)
