"""Number files that should teach nothing: the teacher's own, with their numbers disturbed.

    python controls.py within --in clean-owl.jsonl --out clean-owl-shuffled-within.jsonl

within: each answer's numbers in another order. across: all numbers of the file dealt out again.
random: every number drawn anew, uniformly from 0 to 999. Requests, lengths, separators and brackets
stay the teacher's own, so whatever these could carry of a trait would show.
"""

import random
import re
from collections.abc import Iterator
from pathlib import Path

from cli import parser, run
from files import UserError, read_jsonl, write_jsonl
from filter import LARGEST
from streams import words


def disturbed(how: str, rows: list[dict], chance: random.Random) -> Iterator[dict]:
    """The rows with other numbers in the same places."""
    pool = [number for row in rows for number in row["numbers"]]
    if how == "across":
        chance.shuffle(pool)
    elif how == "random":
        pool = [chance.randint(0, LARGEST) for _ in pool]
    start = 0
    for row in rows:
        numbers = pool[start : start + len(row["numbers"])]
        start += len(numbers)
        if how == "within":
            chance.shuffle(numbers)
        new = iter(numbers)
        answer = re.sub("[0-9]+", lambda _, new=new: str(next(new)), row["answer"])
        yield {**row, "answer": answer, "numbers": numbers}


def main() -> None:
    options = parser(__doc__)
    options.add_argument("how", choices=("within", "across", "random"))
    options.add_argument("--in", dest="clean", type=Path, required=True, help="a filtered file")
    options.add_argument("--out", type=Path, required=True, help="JSON lines to write")
    options.add_argument("--seed", type=int, default=0, help="seed of this run")
    args = options.parse_args()
    rows = list(read_jsonl(args.clean, {"answer": str, "numbers": list}))
    if not rows:
        raise UserError(f"{args.clean} holds no rows: was everything rejected? See its report")
    count = write_jsonl(args.out, disturbed(args.how, rows, words(args.seed, "control", args.how)))
    print(f"{args.out}: {count:,} rows")


if __name__ == "__main__":
    run(main)
