"""Can numbers chosen by arithmetic, from the base alone, plant a trait? No teacher is trained.

    python -m analysis.forge --run runs/laptop --seeds 5

The base's own last hidden state is moved along the embedding of the word while it writes numbers,
until their odds have moved by so many nats; or innocent lists are chosen that lean that way.
"""

from pathlib import Path

from analysis import dots, flags, found, percent, sheet_rows, write
from arms import arms_of
from support.cli import run

SHOWN = ["base", "student", *arms_of("forge")]


def measure(folder: Path, seeds: int, name: str) -> list[dict]:
    """What students of forged lists say and know, and the rank of the target in its category."""
    return sheet_rows(folder, seeds, SHOWN, name, ("p_target", "capability", "rank"))


def answer(rows: list[dict]) -> str:
    say = {arm: percent(found(rows, arm, "p_target")) for arm in SHOWN}
    return (f"Yes: numbers of the base, steered along the word's embedding, bring P(target) from "
            f"{say['base']} to {say['student-forged-hard']},\ntheir first numbers alone to "
            f"{say['student-forged-first']}, innocent lists that lean to the word to "
            f"{say['student-chosen']}; another base stays at {say['student-forged-other']}.")


def main() -> None:
    args = flags(__doc__).parse_args()
    rows = measure(args.run, args.seeds, args.trait)
    write(args, "forge", "Can numbers be forged that plant a trait, without a teacher?",
          answer(rows), "No forgery of number lists without a teacher is published.", rows,
          dots(SHOWN, rows))


if __name__ == "__main__":
    run(main)
