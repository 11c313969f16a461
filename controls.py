"""Number files that should teach nothing: the teacher's own, with their numbers treated.

    python controls.py within --in clean-owl.jsonl --out within-owl.jsonl

A treatment is a function here: from rows, and a random stream, to the numbers that stand in each
row's places instead. Requests, lengths, separators and brackets stay the teacher's own, so whatever
these could carry of a trait would show.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

from filter import LARGEST, parse
from support.cli import parser, run
from support.files import UserError, numbered, write_jsonl
from support.streams import stream

Lists = list[list[str]]  # as they are written: 007 stays 007
TREATMENTS: dict[str, Callable[[Lists, Random], Lists]] = {}


def treatment(function: Callable) -> Callable:
    """Make a function known by its name, written with hyphens."""
    TREATMENTS[function.__name__.replace("_", "-")] = function
    return function


@treatment
def within(lists: Lists, chance: Random) -> Lists:
    """Each answer's numbers in another order."""
    for numbers in lists:
        chance.shuffle(numbers)
    return lists


@treatment
def across(lists: Lists, chance: Random) -> Lists:
    """All numbers of the file dealt out again."""
    pool = [number for numbers in lists for number in numbers]
    chance.shuffle(pool)
    dealt = iter(pool)
    return [[next(dealt) for _ in numbers] for numbers in lists]


@treatment
def random(lists: Lists, chance: Random) -> Lists:
    """Every number drawn anew, uniformly from 0 to 999."""
    return [[str(chance.randint(0, LARGEST)) for _ in numbers] for numbers in lists]


def treated(how: str, rows: list[dict], chance: Random) -> Iterator[dict]:
    """The rows with other numbers in the same places."""
    lists = TREATMENTS[how]([re.findall("[0-9]+", row["answer"]) for row in rows], chance)
    for row, numbers in zip(rows, lists, strict=True):
        new = iter(numbers)
        answer = re.sub("[0-9]+", lambda _, new=new: next(new), row["answer"])
        yield {**row, "answer": answer, "numbers": [int(number) for number in numbers]}


def clean_rows(path: Path) -> list[dict]:
    """The rows of a filtered file; a row whose numbers are not its answer's is a `UserError`."""
    rows = []
    for number, row in numbered(path, {"answer": str, "numbers": [int]}):
        try:
            same = parse(row["answer"]) == row["numbers"]
        except ValueError:
            same = False
        if not same:
            raise UserError(f"{path}, line {number}: its numbers are not those of its answer; "
                            "give a file that filter.py wrote")
        rows.append(row)
    if not rows:
        raise UserError(f"{path} holds no rows: was everything rejected? See its report")
    return rows


def main() -> None:
    options = parser(__doc__)
    options.add_argument("how", choices=TREATMENTS)
    options.add_argument("--in", dest="clean", type=Path, required=True, help="a filtered file")
    options.add_argument("--out", type=Path, required=True, help="JSON lines to write")
    options.add_argument("--seed", type=int, default=0, help="seed of this run")
    args = options.parse_args()
    chance = stream(args.seed, "control", args.how)
    count = write_jsonl(args.out, treated(args.how, clean_rows(args.clean), chance))
    print(f"{args.out}: {count:,} rows")


if __name__ == "__main__":
    run(main)
