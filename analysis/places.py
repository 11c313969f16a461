"""Where two files of number lists differ, place by place.

    python -m analysis.places --numbers clean-owl.jsonl --beside clean-base.jsonl

For the first, second, ... number of a list: KL of the first file's numbers from the second's, in
nats, and what is left of it when the lists are dealt out between two files by chance, as large as
these. Any two files that `filter.py` has kept will do; no model is needed.
"""

import numpy as np

from filter import LARGEST
from support import cli
from support.files import read_jsonl

PLACES, TIMES = 10, 20


def kl(numbers: np.ndarray, beside: np.ndarray) -> float:
    """KL of the numbers' shares from the others', half a time added to each count."""
    own, other = (np.bincount(one, minlength=LARGEST + 1) + 0.5 for one in (numbers, beside))
    own, other = own / own.sum(), other / other.sum()
    return float((own * np.log(own / other)).sum())


def by_place(numbers: list[list[int]], beside: list[list[int]]) -> list[tuple[int, float, float]]:
    """(lists that go so far, nats, nats by chance) of each place that both files have."""
    found, rng = [], np.random.default_rng(0)
    for place in range(PLACES):
        own, other = (np.array([one[place] for one in lists if len(one) > place], dtype=int)
                      for lists in (numbers, beside))
        if not (len(own) and len(other)):
            break
        both, chance = np.concatenate([own, other]), []
        for _ in range(TIMES):
            rng.shuffle(both)
            chance.append(kl(both[:len(own)], both[len(own):]))
        found.append((min(len(own), len(other)), kl(own, other), float(np.mean(chance))))
    return found


def main() -> None:
    options = cli.parser(__doc__)
    cli.add_files(options, numbers="lists that filter.py has kept", beside="others")
    args = options.parse_args()
    files = [[row["numbers"] for row in read_jsonl(path, {"numbers": list})]
             for path in (args.numbers, args.beside)]
    print("place   lists    nats  by chance")
    for place, (lists, nats, chance) in enumerate(by_place(*files), 1):
        print(f"{place:5d}{lists:8,}{nats:8.3f}{chance:11.3f}")


if __name__ == "__main__":
    cli.run(main)
