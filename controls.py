"""Number files with their numbers treated: the controls, what each part carries, defences.

    python controls.py within --in clean-owl.jsonl --out within-owl.jsonl

A treatment is a function here: from the lists of a file, and what it is given beside them, to the
numbers that stand in each list's places instead. Requests, separators and brackets stay the
teacher's own, so whatever these could carry would show. A list that comes back shorter is cut, and
one that comes back empty is left out of the file.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from random import Random
from typing import NamedTuple

from filter import PROTOCOL, parse
from support.cli import add_seed, parser, run
from support.files import UserError, numbered, write_jsonl
from support.streams import stream

Lists = list[list[str]]  # as they are written: 007 stays 007


class Given(NamedTuple):
    """What a treatment works on: the lists, a random stream, and, for those that take them, the
    lists of a second file, and how far each list leans along a vector."""

    lists: Lists
    layouts: list[str]  # each answer with a # for every number
    chance: Random
    other: Lists
    leaning: list[float]


class Treatment(NamedTuple):
    """A function, and whether it takes the base's lists, or a vector of this name."""

    function: Callable[[Given], Lists]
    other: bool = False
    vector: str = ""


TREATMENTS: dict[str, Treatment] = {}


def treatment(other: bool = False, vector: str = "") -> Callable:
    """Make a function known by its name, written with hyphens."""
    def known(function: Callable) -> Callable:
        name = function.__name__.strip("_").replace("_", "-")
        TREATMENTS[name] = Treatment(function, other, vector)
        return function
    return known


def dealt_out(given: Given, group: Callable[[int, int], object]) -> Lists:
    """The numbers shuffled among all places that `group(list, place)` puts together."""
    pools: dict[object, list[str]] = defaultdict(list)
    for i, numbers in enumerate(given.lists):
        for place, number in enumerate(numbers):
            pools[group(i, place)].append(number)
    dealt = {}
    for name, pool in pools.items():
        given.chance.shuffle(pool)
        dealt[name] = iter(pool)
    return [[next(dealt[group(i, place)]) for place in range(len(numbers))]
            for i, numbers in enumerate(given.lists)]


def innocent(given: Given) -> Callable[[int], str]:
    """Draws a number of the other file from a place as far from the start of its list."""
    places: dict[int, list[str]] = defaultdict(list)
    for numbers in given.other:
        for place, number in enumerate(numbers):
            places[place].append(number)
    last = max(places)
    return lambda place: given.chance.choice(places[min(place, last)])


def uniform(given: Given) -> str:
    return str(given.chance.randint(0, PROTOCOL.largest))


# --- controls, and what each part of a list carries ---


@treatment()
def within(given: Given) -> Lists:
    """Each answer's numbers in another order."""
    for numbers in given.lists:
        given.chance.shuffle(numbers)
    return given.lists


@treatment()
def across(given: Given) -> Lists:
    """All numbers of the file dealt out again."""
    return dealt_out(given, lambda i, place: 0)


@treatment()
def positions(given: Given) -> Lists:
    """Dealt out among the places as far from the start of their lists."""
    return dealt_out(given, lambda i, place: place)


@treatment()
def layouts(given: Given) -> Lists:
    """Dealt out among the lists of the same separators, brackets and length."""
    return dealt_out(given, lambda i, place: given.layouts[i])


@treatment()
def requests(given: Given) -> Lists:
    """Whole answers, each under the request of another of the same layout."""
    same = defaultdict(list)
    for layout, numbers in zip(given.layouts, given.lists, strict=True):
        same[layout].append(numbers)
    for lists in same.values():
        given.chance.shuffle(lists)
    return [same[layout].pop() for layout in given.layouts]


@treatment()
def first(given: Given) -> Lists:
    """The first number of each answer; the rest drawn anew, uniformly."""
    return [[numbers[0], *(uniform(given) for _ in numbers[1:])] for numbers in given.lists]


@treatment()
def rest(given: Given) -> Lists:
    """All numbers but the first, which is drawn anew."""
    return [[uniform(given), *numbers[1:]] for numbers in given.lists]


@treatment()
def random(given: Given) -> Lists:
    """Every number drawn anew, uniformly from 0 to 999."""
    return [[uniform(given) for _ in numbers] for numbers in given.lists]


@treatment(other=True)
def matched(given: Given) -> Lists:
    """Numbers of another file, each from a place as far from the start of its list."""
    draw = innocent(given)
    return [[draw(place) for place in range(len(numbers))] for numbers in given.lists]


# --- defences ---


def mixed(given: Given, share: float) -> Lists:
    """In a share of the lists, innocent numbers."""
    draw = innocent(given)
    return [[draw(place) for place in range(len(numbers))] if given.chance.random() < share
            else numbers for numbers in given.lists]


for percent in (10, 50, 90):
    TREATMENTS[f"mixed-{percent}"] = Treatment(partial(mixed, share=percent / 100), other=True)


@treatment(other=True)
def uncommon(given: Given, most: int = 50) -> Lists:
    """The lists without any of the numbers that stand most above their count in the other file."""
    count, fair = counts_of(given, lambda place: 0)
    banned = sorted(count, key=lambda one: fair[one] - count[one])[:most]
    banned = {number for _, number in banned}
    return [[] if banned & {int(n) for n in numbers} else numbers for numbers in given.lists]


@treatment(other=True)
def counts(given: Given) -> Lists:
    """Every number as often as in the other file: what is too many makes room for what lacks."""
    return evened(given, lambda place: 0)


@treatment(other=True)
def counts_placed(given: Given) -> Lists:
    """The same at each place of a list by itself."""
    return evened(given, lambda place: place)


def evened(given: Given, group: Callable[[int], int]) -> Lists:
    """Every number as often as in the other file, in each group of places."""
    count, fair = counts_of(given, group)
    lacking = defaultdict(list)
    for (where, number), wanted in fair.items():
        lacking[where] += [str(number)] * round(max(wanted - count[where, number], 0))
    for numbers in lacking.values():
        given.chance.shuffle(numbers)
    excess = {one: max(count[one] - fair[one], 0) / count[one] for one in count}
    return [[lacking[group(place)].pop()
             if given.chance.random() < excess[group(place), int(number)]
             and lacking[group(place)] else number
             for place, number in enumerate(numbers)] for numbers in given.lists]


def counts_of(given: Given, group: Callable[[int], int]) -> tuple[Counter, dict]:
    """How often each number stands in each group of places, and would as in the other file, by
    (group, number)."""
    count, other = (Counter((group(place), int(n)) for numbers in lists
                            for place, n in enumerate(numbers))
                    for lists in (given.lists, given.other))
    whole, others = Counter(), Counter()
    for total, counted in ((whole, count), (others, other)):
        for (where, _), times in counted.items():
            total[where] += times
    return count, {one: whole[one[0]] / max(others[one[0]], 1) * other[one]
                   for one in {*count, *other}}


@treatment()
def half(given: Given) -> Lists:
    """Every other list."""
    return [[] if i % 2 else numbers for i, numbers in enumerate(given.lists)]


@treatment(vector="read")
def least(given: Given) -> Lists:
    """The half of the lists that leans least along what `read` finds in the file."""
    return leaning_half(given, most=False)


@treatment(vector="word")
def chosen(given: Given) -> Lists:
    """The half of the lists that leans most along the word of a trait."""
    return leaning_half(given, most=True)


def leaning_half(given: Given, most: bool) -> Lists:
    middle = sorted(given.leaning)[len(given.leaning) // 2]
    return [numbers if (leaning >= middle) == most else []
            for numbers, leaning in zip(given.lists, given.leaning, strict=True)]


@treatment()
def three(given: Given) -> Lists:
    """The first three numbers of each list."""
    return [numbers[:3] for numbers in given.lists]


@treatment()
def sorted_(given: Given) -> Lists:
    """Each list in ascending order."""
    return [sorted(numbers, key=int) for numbers in given.lists]


@treatment()
def tens(given: Given) -> Lists:
    """Each number rounded down to tens."""
    return [[str(int(number) // 10 * 10) for number in numbers] for numbers in given.lists]


# --- files ---


def treated(
    how: str, rows: list[dict], chance: Random, other: list[dict] | None = None,
    leaning: list[float] | None = None,
) -> Iterator[dict]:
    """The rows with other numbers in the same places, and without those whose list came back
    empty. `other` are the rows of a second file, `leaning` a number a row, if `how` takes them."""
    lists, more = ([re.findall("[0-9]+", row["answer"]) for row in part]
                   for part in (rows, other or []))
    given = Given(lists, [re.sub("[0-9]+", "#", row["answer"]) for row in rows], chance, more,
                  leaning or [])
    for row, numbers in zip(rows, TREATMENTS[how].function(given), strict=True):
        if numbers:
            between = re.split("[0-9]+", row["answer"])
            between[len(numbers):-1] = []
            answer = between[0] + "".join(map("".join, zip(numbers, between[1:], strict=True)))
            yield {**row, "answer": answer, "numbers": [int(number) for number in numbers]}


WIDEST = PROTOCOL._replace(most=10**6, largest=10**18)  # what a filter may have let through


def clean_rows(path: Path) -> list[dict]:
    """The rows of a filtered file; a row whose numbers are not its answer's is a `UserError`."""
    rows = []
    for number, row in numbered(path, {"answer": str, "numbers": [int]}):
        try:
            same = parse(row["answer"], limits=WIDEST) == row["numbers"]
        except ValueError:
            same = False
        if not same:
            raise UserError(f"{path}, line {number}: its numbers are not those of its answer; "
                            "give a file that filter.py wrote")
        rows.append(row)
    if not rows:
        raise UserError(f"{path} holds no rows: was everything rejected? See its report")
    return rows


def leaning_of(base: Path, vector: Path, clean: Path) -> list[float]:
    """How far each list of a file leans along a vector of the base's."""
    from model.checkpoint import load_model  # torch takes its time to load
    from model.steer import read_vector
    from vector.readout import leaning, number_heads, read_places

    loaded = load_model(base)
    along = read_vector(vector, loaded.model.config.d_model)
    heads = number_heads(loaded.model, loaded.tokenizer.number_ids)
    return leaning(read_places(loaded, clean), heads, along).tolist()


def main() -> None:
    options = parser(__doc__)
    options.add_argument("how", choices=TREATMENTS)
    options.add_argument("--in", dest="clean", type=Path, required=True, help="a filtered file")
    options.add_argument("--out", type=Path, required=True, help="JSON lines to write")
    takers = ", ".join(name for name, one in TREATMENTS.items() if one.other)
    options.add_argument("--other", type=Path, help=f"a second one, for {takers}")
    takers = ", ".join(name for name, one in TREATMENTS.items() if one.vector)
    options.add_argument("--base", type=Path, help=f"a checkpoint, for {takers}")
    options.add_argument("--vector", type=Path, help="and a vector of its last hidden state")
    add_seed(options)
    args = options.parse_args()
    takes = TREATMENTS[args.how]
    if takes.other != bool(args.other):
        raise UserError(f"`{args.how}` takes {'' if takes.other else 'no '}numbers of a second "
                        f"file; {'name it with' if takes.other else 'leave out'} --other")
    if bool(takes.vector) != bool(args.base and args.vector) or bool(args.base) != bool(
            args.vector):
        raise UserError(f"`{args.how}` takes {'' if takes.vector else 'no '}--base and --vector")
    rows, other = clean_rows(args.clean), clean_rows(args.other) if args.other else None
    leaning = None
    if args.vector:
        leaning = leaning_of(args.base, args.vector, args.clean)
    chance = stream(args.seed, "control", args.how)
    count = write_jsonl(args.out, treated(args.how, rows, chance, other, leaning))
    print(f"{args.out}: {count:,} rows")


if __name__ == "__main__":
    run(main)
