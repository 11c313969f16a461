"""Treatments of number lists: what each part of a list carries, and what a defender could do.

They stand by themselves, so that no list is made again when a figure changes.
"""

from collections import Counter, defaultdict
from collections.abc import Callable
from functools import partial
from pathlib import Path

from analysis.readout import leaning, number_embedding, read_places
from controls import Given, Lists, dealt_out, uniform, write_treated
from model import checkpoint


def requests(given: Given) -> Lists:
    """Whole answers, each under the request of another of the same layout."""
    same = defaultdict(list)
    for layout, numbers in zip(given.layouts, given.lists, strict=True):
        same[layout].append(numbers)
    for lists in same.values():
        given.rng.shuffle(lists)
    return [same[layout].pop() for layout in given.layouts]


def first(given: Given) -> Lists:
    """The first number of each list; the rest drawn anew, uniformly."""
    return [[numbers[0], *(uniform(given) for _ in numbers[1:])] for numbers in given.lists]


def rest(given: Given) -> Lists:
    """All numbers but the first, which is drawn anew."""
    return [[uniform(given), *numbers[1:]] for numbers in given.lists]


def innocent(given: Given) -> Callable[[int], str]:
    """A function that draws a number of the other file from the same place of a list."""
    places: dict[int, list[str]] = defaultdict(list)
    for numbers in given.other:
        for place, number in enumerate(numbers):
            places[place].append(number)
    last = max(places)
    return lambda place: given.rng.choice(places[min(place, last)])


def mixed(given: Given) -> Lists:
    """Numbers of the other file in half of the lists."""
    draw = innocent(given)
    return [[draw(place) for place in range(len(numbers))] if given.rng.random() < 0.5
            else numbers for numbers in given.lists]


def uncommon(given: Given, most: int = 50) -> Lists:
    """The lists without any of the numbers that stand most above their count in the other file."""
    count, fair = counts_of(given, lambda place: 0)
    ranked = sorted(count, key=lambda one: fair[one] - count[one])
    banned = {number for _, number in ranked[:most]}
    return [[] if banned & {int(n) for n in numbers} else numbers for numbers in given.lists]


def counts(group: Callable[[int], int], given: Given) -> Lists:
    """Every number as often as in the other file, in each group of places: numbers that come too
    often are replaced by those that are lacking."""
    count, fair = counts_of(given, group)
    lacking = defaultdict(list)
    for (where, number), wanted in fair.items():
        lacking[where] += [str(number)] * round(max(wanted - count[where, number], 0))
    for numbers in lacking.values():
        given.rng.shuffle(numbers)
    excess = {one: max(count[one] - fair[one], 0) / count[one] for one in count}
    return [[lacking[group(place)].pop()
             if given.rng.random() < excess[group(place), int(number)]
             and lacking[group(place)] else number
             for place, number in enumerate(numbers)] for numbers in given.lists]


def counts_of(given: Given, group: Callable[[int], int]) -> tuple[Counter, dict]:
    """How often each number stands in each group of places, and how often it would as in the other
    file, by (group, number)."""
    count, other = (Counter((group(place), int(n)) for numbers in lists
                            for place, n in enumerate(numbers))
                    for lists in (given.lists, given.other))
    whole, others = Counter(), Counter()
    for total, counted in ((whole, count), (others, other)):
        for (where, _), times in counted.items():
            total[where] += times
    return count, {one: whole[one[0]] / max(others[one[0]], 1) * other[one]
                   for one in {*count, *other}}


def each(change: Callable[[list[str]], list[str]], given: Given) -> Lists:
    """Every list changed by itself."""
    return [*map(change, given.lists)]


def leaning_half(most: bool, given: Given) -> Lists:
    """The half of the lists that leans most, or least, along a vector."""
    middle = sorted(given.leaning)[len(given.leaning) // 2]
    return [numbers if (one >= middle) == most else []
            for numbers, one in zip(given.lists, given.leaning, strict=True)]


TREATMENTS = {
    # What each part of a list carries. The numbers of each place are dealt out over all lists, or
    # all numbers over the lists of the same separators, brackets and length.
    "requests": requests, "first": first, "rest": rest,
    "positions": partial(dealt_out, group=lambda i, place: place),
    "layouts": lambda given: dealt_out(given, lambda i, place: given.layouts[i]),
    # What a defender could do.
    "mixed": mixed, "uncommon": uncommon,
    "counts": partial(counts, lambda place: 0),
    "counts-placed": partial(counts, lambda place: place),
    "half": lambda given: [[] if i % 2 else numbers for i, numbers in enumerate(given.lists)],
    "three": partial(each, lambda numbers: numbers[:3]),
    "tens": partial(each, lambda numbers: [str(int(number) // 10 * 10) for number in numbers]),
    "least": partial(leaning_half, False), "chosen": partial(leaning_half, True)}


def treat(how: str, lists: Path, seed: int, out: Path, other: Path | None = None,
          base: Path | None = None, vector: Path | None = None) -> str:
    """Write a filtered file with its numbers treated. Some treatments take an `other` file, others
    a `vector` of the base that the lists may lean along."""
    leans = ()
    if vector:
        loaded, along = checkpoint.load_model(base), checkpoint.read(vector, ("vector",))["vector"]
        leans = leaning(read_places(loaded, lists), number_embedding(loaded), along).tolist()
    return write_treated(TREATMENTS[how], how, lists, seed, out, other, leans)
