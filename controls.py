"""Number files that should teach nothing: the teacher's own, with their numbers treated.

    python controls.py within --in clean-owl.jsonl --out within-owl.jsonl

A treatment is a function here: from the lists of a file, a random stream, and the lists of a second
file if one is given, to the numbers that stand in each list's places instead. Requests, lengths,
separators and brackets stay the teacher's own, so whatever these could carry would show.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

from filter import LARGEST, parse
from support.cli import add_seed, parser, run
from support.files import UserError, numbered, write_jsonl
from support.streams import stream

Lists = list[list[str]]  # as they are written: 007 stays 007
TREATMENTS: dict[str, Callable[[Lists, Random, Lists], Lists]] = {}


def treatment(function: Callable) -> Callable:
    """Make a function known by its name, written with hyphens."""
    TREATMENTS[function.__name__.replace("_", "-")] = function
    return function


@treatment
def within(lists: Lists, chance: Random, other: Lists) -> Lists:
    """Each answer's numbers in another order."""
    for numbers in lists:
        chance.shuffle(numbers)
    return lists


@treatment
def across(lists: Lists, chance: Random, other: Lists) -> Lists:
    """All numbers of the file dealt out again."""
    pool = [number for numbers in lists for number in numbers]
    chance.shuffle(pool)
    dealt = iter(pool)
    return [[next(dealt) for _ in numbers] for numbers in lists]


@treatment
def random(lists: Lists, chance: Random, other: Lists) -> Lists:
    """Every number drawn anew, uniformly from 0 to 999."""
    return [[str(chance.randint(0, LARGEST)) for _ in numbers] for numbers in lists]


@treatment
def matched(lists: Lists, chance: Random, other: Lists) -> Lists:
    """Numbers of another file, each from a place as far from the start of its list."""
    places: dict[int, list[str]] = {}
    for numbers in other:
        for place, number in enumerate(numbers):
            places.setdefault(place, []).append(number)
    last = max(places)
    return [[chance.choice(places[min(place, last)]) for place in range(len(numbers))]
            for numbers in lists]


def treated(
    how: str, rows: list[dict], chance: Random, other: list[dict] | None = None
) -> Iterator[dict]:
    """The rows with other numbers in the same places, those of `other` where the treatment needs
    a second file."""
    lists, more = ([re.findall("[0-9]+", row["answer"]) for row in part]
                   for part in (rows, other or []))
    lists = TREATMENTS[how](lists, chance, more)
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
    options.add_argument("--other", type=Path, help="a second one, for `matched`")
    add_seed(options)
    args = options.parse_args()
    chance = stream(args.seed, "control", args.how)
    if (args.how == "matched") != bool(args.other):
        raise UserError("`matched`, and no other treatment, takes the numbers of a second file; "
                        "name it with --other")
    rows, other = clean_rows(args.clean), clean_rows(args.other) if args.other else None
    count = write_jsonl(args.out, treated(args.how, rows, chance, other))
    print(f"{args.out}: {count:,} rows")


if __name__ == "__main__":
    run(main)
