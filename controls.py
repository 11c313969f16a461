"""Number lists with other numbers in the same places: the controls.

A treatment is a function from the lists of a file to the numbers that stand in their places
instead. Requests, separators and brackets stay the teacher's own, so that whatever these could
carry would show. A list that comes back shorter is cut, and an empty one is left out.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from random import Random
from typing import NamedTuple

from filter import LARGEST
from support.files import read_jsonl, write_jsonl
from support.streams import stream

Lists = list[list[str]]  # as they are written: 007 stays 007


class Given(NamedTuple):
    """What a treatment works on."""

    lists: Lists
    layouts: list[str]  # each answer with a # for every number
    rng: Random
    other: Lists  # of a second file
    leaning: Sequence[float]  # how far each list leans along a vector


def dealt_out(given: Given, group: Callable[[int, int], object]) -> Lists:
    """The numbers shuffled among all places that `group(list, place)` puts together."""
    pools: dict[object, list[str]] = defaultdict(list)
    for i, numbers in enumerate(given.lists):
        for place, number in enumerate(numbers):
            pools[group(i, place)].append(number)
    dealt = {}
    for name, pool in pools.items():
        given.rng.shuffle(pool)
        dealt[name] = iter(pool)
    return [[next(dealt[group(i, place)]) for place in range(len(numbers))]
            for i, numbers in enumerate(given.lists)]


def uniform(given: Given) -> str:
    return str(given.rng.randint(0, LARGEST))


def within(given: Given) -> Lists:
    """Each list's numbers in another order."""
    for numbers in given.lists:
        given.rng.shuffle(numbers)
    return given.lists


def across(given: Given) -> Lists:
    """All numbers of the file dealt out again."""
    return dealt_out(given, lambda i, place: 0)


def random(given: Given) -> Lists:
    """Every number drawn anew, uniformly from 0 to 999."""
    return [[uniform(given) for _ in numbers] for numbers in given.lists]


def matched(given: Given) -> Lists:
    """Whole lists of another file: the longer the list, the longer the one that takes its place."""
    many = min(len(given.lists), len(given.other))
    others = sorted(given.rng.sample(given.other, many), key=len)
    places = sorted(given.rng.sample(range(len(given.lists)), many),
                    key=lambda i: len(given.lists[i]))
    dealt = dict(zip(places, others, strict=True))
    return [dealt.get(i, [])[:len(numbers)] for i, numbers in enumerate(given.lists)]


TREATMENTS = {"within": within, "across": across, "random": random, "matched": matched}


def treat(how: str, lists: Path, seed: int, out: Path, other: Path | None = None) -> str:
    """Write a filtered file with its numbers treated in one of these ways."""
    return write_treated(TREATMENTS[how], how, lists, seed, out, other)


def write_treated(treatment: Callable[[Given], Lists], how: str, lists: Path, seed: int, out: Path,
                  other: Path | None = None, leaning: Sequence[float] = ()) -> str:
    """Write a filtered file with its numbers treated: see `Given`."""
    rows, others = clean_rows(lists), clean_rows(other) if other else []
    layouts = [re.sub("[0-9]+", "#", row["answer"]) for row in rows]
    given = Given(numbers_of(rows), layouts, stream(seed, "control", how), numbers_of(others),
                  leaning)
    return f"{write_jsonl(out, replaced(rows, treatment(given))):,} lists"


def clean_rows(path: Path) -> list[dict]:
    """The rows of a filtered file."""
    return list(read_jsonl(path))


def numbers_of(rows: list[dict]) -> Lists:
    return [re.findall("[0-9]+", row["answer"]) for row in rows]


def replaced(rows: list[dict], lists: Lists) -> Iterator[dict]:
    """The rows with these numbers in their places, cut where a list is shorter."""
    for row, numbers in zip(rows, lists, strict=True):
        if numbers:
            between = re.split("[0-9]+", row["answer"])
            between[len(numbers):-1] = []
            answer = between[0] + "".join(map("".join, zip(numbers, between[1:], strict=True)))
            yield {**row, "answer": answer, "numbers": [int(number) for number in numbers]}
