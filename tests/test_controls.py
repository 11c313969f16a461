"""A control disturbs the numbers it names and leaves all else as it was."""

import re
from collections import Counter
from random import Random

import pytest

import controls
from analysis import treatments
from filter import parse
from support.files import read_jsonl, write_jsonl

TREATMENTS = controls.TREATMENTS | treatments.TREATMENTS
SHORTER = {"uncommon", "half", "least", "chosen", "three"}  # they leave something out
CERTAIN = {*SHORTER, "tens"}  # no draw in them
GROUPS = {  # what keeps its numbers when they are dealt out again
    "within": lambda row, place: row["id"], "across": lambda row, place: 0,
    "positions": lambda row, place: place, "layouts": lambda row, place: layout(row),
    "requests": lambda row, place: (place, layout(row))}


def layout(row):
    return re.sub("[0-9]+", "#", row["answer"])


def row(i, answer):
    return {"id": i, "request": f"r{i}", "answer": answer, "numbers": parse(answer)}


# Lists of several layouts, and no number stands in two of them.
ROWS = [row(i, answer.format(*range(10 * i, 10 * i + 6))) for i, answer in enumerate(
    ["{}, {}, {}, {}, {}, {}", "[{}; {}; {}].", "({} {} {} {})", "{}", "{}\n{}\n{}\n{}"] * 20)]
# And of another file, longer than any of these.
OTHER = [row(i, ", ".join(7 * [str(100 + i)])) for i in range(120)]


def make(folder, how, seed=0, rows=ROWS, other=OTHER):
    """Treat lists as the step does, from file to file."""
    write_jsonl(folder / "lists", rows)
    write_jsonl(folder / "other", other)
    controls.write_treated(TREATMENTS[how], how, folder / "lists", seed, folder / "out",
                           folder / "other", [float(one["id"]) for one in rows])
    return list(read_jsonl(folder / "out"))


def placed(rows):
    """(row, place, number) of every number."""
    return [(one, place, number) for one in rows for place, number in enumerate(one["numbers"])]


@pytest.mark.parametrize("how", TREATMENTS)
def test_everything_but_the_numbers_stays(tmp_path, how):
    made = make(tmp_path, how)
    assert made and made != ROWS
    assert how in SHORTER or [one["id"] for one in made] == list(range(len(ROWS)))
    for one in made:
        was, numbers = ROWS[one["id"]], one["numbers"]
        assert one["request"] == was["request"] and parse(one["answer"]) == numbers
        # A list that comes back shorter is the beginning of what it was.
        assert (numbers == was["numbers"][:len(numbers)] if how in SHORTER
                else layout(one) == layout(was))
    assert make(tmp_path, how) == made
    assert (make(tmp_path, how, seed=1) == made) == (how in CERTAIN)


@pytest.mark.parametrize("how", GROUPS)
def test_each_deal_keeps_its_groups_and_mixes_them(tmp_path, how):
    made = make(tmp_path, how)
    was, now = (Counter((GROUPS[how](one, place), number) for one, place, number in placed(rows))
                for rows in (ROWS, made))
    mixed = sum(len({number // 10 for number in one["numbers"]}) > 1 for one in made)
    assert was == now
    assert mixed == 0 if how in ("within", "requests") else mixed > 50  # of 64 lists


def test_first_and_rest_are_two_halves(tmp_path):
    first, rest = (placed(make(tmp_path, how)) for how in ("first", "rest"))
    for (*_, was), (_, place, one), (*_, other) in zip(placed(ROWS), first, rest, strict=True):
        assert was == (other if place else one)


def test_matched_lists_are_anothers_and_the_longest_take_the_longest_places(tmp_path):
    """Each is the beginning of another's list, which is taken once; what is too short is cut."""
    other = [row(i, " ".join(map(str, range(8 * i, 8 * i + 1 + i % 8)))) for i in range(120)]
    found = [(was["numbers"], other[made["numbers"][0] // 8]["numbers"], made["numbers"])
             for was, made in zip(ROWS, make(tmp_path, "matched", other=other), strict=True)]
    assert all(numbers == whole[:len(was)] for was, whole, numbers in found)
    lengths = [length for _, length in sorted((len(was), len(whole)) for was, whole, _ in found)]
    assert lengths == sorted(lengths) and len({whole[0] for _, whole, _ in found}) == len(ROWS)


def test_mixed_lists_have_anothers_numbers_at_their_places(tmp_path):
    made = placed(make(tmp_path, "mixed", other=[row(0, "996, 997, 998"), row(1, "999")]))
    assert {(min(place, 2), number) for _, place, number in made if number > 995} == {
        (0, 996), (0, 999), (1, 997), (2, 998)}  # the last for all after it


@pytest.mark.parametrize(("how", "places"), [("random", range(6)), ("first", range(1, 6))])
def test_drawn_numbers_are_uniform(tmp_path, how, places):
    made = placed(make(tmp_path, how, rows=ROWS[:1] * 5_000))
    drawn = [number for _, place, number in made if place in places]
    assert min(drawn) == 0 and max(drawn) == 999
    assert all(abs(times / len(drawn) - 0.1) < 0.01
               for times in Counter(number // 100 for number in drawn).values())


@pytest.mark.parametrize(("how", "places"), [("counts", range(8)), ("counts-placed", (0,))])
def test_counts_become_those_of_the_other_file(tmp_path, how, places):
    rng = Random(5)
    rows, even = ([row(i, ", ".join(str(int(1000 * rng.random() ** power)) for _ in range(8)))
                   for i in range(3000)] for power in (2, 1))
    was, made = ([number for _, place, number in placed(lists) if place in places]
                 for lists in (rows, make(tmp_path, how, rows=rows, other=even)))
    low = sum(number < 100 for number in made) / len(made)
    assert low == pytest.approx(0.1, abs=0.03)  # from the root of a tenth, .32
    assert 0.5 < sum(a == b for a, b in zip(was, made, strict=True)) / len(made) < 0.9


def test_what_leans_most_is_parted_from_what_leans_least(tmp_path):
    least, most = ({one["id"] for one in make(tmp_path, how)} for how in ("least", "chosen"))
    assert least | most == {one["id"] for one in ROWS} and max(least) < min(most)
