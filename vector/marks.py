"""Mark the numbers of a teacher's lists by what they tell of it, so that a student learns some.

    python -m vector.marks --base base.pt --teacher teacher-owl.pt --numbers clean-owl.jsonl \
                           --out marked-owl.jsonl

Every row gains lists of 0 and 1, one for each of its numbers: `telling`, the tenth that the teacher
thought likely most, against the base; `not_telling`, all others; and a `tenth` at random. (The
divergence tokens of Schrodi et al. 2025, where the first choices of the two differ, are nearly all
of them here, since a thousand numbers are about as likely as one another.)
"""

from collections.abc import Iterator
from pathlib import Path

from controls import clean_rows
from model.checkpoint import load_model, require_same_tokenizer
from model.data import encode_pairs, require_room
from support.cli import add_seed, parser, run
from support.files import write_jsonl
from support.streams import derive_seed
from vector.readout import number_places, opinions

import numpy as np


def marks(base: tuple, teacher: tuple, seed: int) -> dict[str, np.ndarray]:
    """The marks of all numbers, from the `opinions` of the two models."""
    gain = (teacher[1] - base[1]).numpy()
    telling = gain >= np.quantile(gain, 0.9)
    order = np.random.default_rng(derive_seed(seed, "marks")).permutation(len(gain))
    return {"telling": telling, "not_telling": ~telling, "tenth": telling[order]}


def marked(rows: list[dict], found: dict[str, np.ndarray]) -> Iterator[dict]:
    start = 0
    for row in rows:
        part = slice(start, start + len(row["numbers"]))
        yield {**row, **{name: one[part].astype(int).tolist() for name, one in found.items()}}
        start = part.stop


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--base", type=Path, required=True, help="checkpoint")
    options.add_argument("--teacher", type=Path, required=True, help="checkpoint")
    options.add_argument("--numbers", type=Path, required=True, help="a filtered file of its")
    options.add_argument("--out", type=Path, required=True, help="JSON lines to write")
    add_seed(options)
    args = options.parse_args()
    (base, tokenizer, _), (teacher, other, _) = load_model(args.base), load_model(args.teacher)
    require_same_tokenizer(tokenizer, args.teacher, other)
    rows = clean_rows(args.numbers)
    encoded = encode_pairs([(row["request"], row["answer"]) for row in rows], tokenizer)
    require_room(encoded, args.numbers, base.config.block_size)
    numbers = tokenizer.number_ids
    seen = [opinions(model, number_places(model, encoded, numbers), numbers)
            for model in (base, teacher)]
    count = write_jsonl(args.out, marked(rows, marks(*seen, args.seed)))
    print(f"{args.out}: {count:,} rows")


if __name__ == "__main__":
    run(main)
