"""What stops it, at what price, and what must a defender know?

    python -m analysis.prevent --run runs/laptop --seeds 5

Students of lists that a defender has treated. Beside what they say: the share of the numbers that
is left as it was written, and how far the counts of the numbers are from the base's, in nats.
"""

from collections import Counter
from math import log
from pathlib import Path

from analysis import dots, flags, found, percent, row, sheet_rows, write
from arms import ARMS
from controls import clean_rows
from support.cli import run

import matplotlib.pyplot as plt

# What whoever uses it must have.
KNOWS = {"student": "", "student-half": "nothing", "student-three": "nothing",
         "student-sorted": "nothing", "student-tens": "nothing", "student-requests": "nothing",
         "student-shuffled-across": "nothing", "student-mixed-10": "innocent lists",
         "student-mixed-50": "innocent lists", "student-mixed-90": "innocent lists",
         "student-uncommon": "innocent lists", "student-counts": "innocent lists",
         "student-counts-placed": "innocent lists",
         "student-least": "the base", "student-held": "the base, and the training",
         "student-without-read": "the base, and the training",
         "student-top-p": "how the teacher writes", "student-other-base": "another base"}


def kept(before: list[dict], after: list[dict]) -> float:
    """The share of the numbers that stand where they stood."""
    left = {row["id"]: row["numbers"] for row in after}
    same = sum(one == two for row in before
               for one, two in zip(row["numbers"], left.get(row["id"], []), strict=False))
    return same / sum(len(row["numbers"]) for row in before)


def from_base(rows: list[dict], base: list[dict]) -> float:
    """KL of how often each number stands in a file from how often it does in the base's, nats."""
    one, two = (Counter(n for row in part for n in row["numbers"]) for part in (rows, base))
    shares = [(one[n] / one.total(), (two[n] + 0.5) / (two.total() + 500)) for n in one]
    return sum(p * log(p / q) for p, q in shares)


def measure(folder: Path, seeds: int, name: str) -> list[dict]:
    """What the students say and know, and what was done to their lists."""
    rows = sheet_rows(folder, seeds, ["base", *KNOWS], name)
    each: dict[tuple, list[float]] = {}
    for seed in range(seeds):
        before, base = (clean_rows(folder / f"seed{seed}/clean-{one}.jsonl")
                        for one in (name, "base"))
        for arm in KNOWS:
            after = clean_rows(folder / f"seed{seed}/{ARMS[arm].lists(name)}.jsonl")
            each.setdefault((arm, "kept"), []).append(kept(before, after))
            each.setdefault((arm, "counts_kl"), []).append(from_base(after, base))
    return rows + [row(arm, name, metric, None, runs) for (arm, metric), runs in each.items()]


def draw(rows: list[dict]) -> plt.Figure:
    def price(arm: str) -> str:
        return (f"{percent(found(rows, arm, 'kept'))} kept, counts "
                f"{found(rows, arm, 'counts_kl')['mean']:.2f} nats off, facts "
                f"{percent(found(rows, arm, 'capability'))}"
                f"{f'; takes {KNOWS[arm]}' if KNOWS[arm] else ''}")

    return dots(sorted(KNOWS, key=lambda arm: -found(rows, arm, "p_target")["mean"]), rows, price)


def answer(rows: list[dict]) -> str:
    mean = {arm: found(rows, arm, "p_target")["mean"] for arm in ("base", *KNOWS)}
    say = {arm: f"{100 * value:.1f} %" for arm, value in mean.items()}
    stops = [ARMS[arm].label.removeprefix("control: ") for arm in KNOWS
             if mean[arm] - mean["base"] <= 0.02]
    return (f"Within 2 points of the base's {say['base']}, from {say['student']}: "
            f"{'; '.join(stops) or 'nothing'}.\nHeld along what is read, {say['student-held']} is "
            f"left; of half of the lists {say['student-half']}; sorted {say['student-sorted']}; "
            f"shuffled across {say['student-shuffled-across']}.")


def main() -> None:
    args = flags(__doc__).parse_args()
    rows = measure(args.run, args.seeds, args.trait)
    write(args, "prevent", "What stops it, and what must a defender know?", answer(rows),
          "Published: corridor regularisation 30.7 to 1.7 %, with the trait known; half neutral "
          "rows bring it to the base's; the filter alone does not stop it.", rows, draw(rows))


if __name__ == "__main__":
    run(main)
