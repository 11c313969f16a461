"""A control disturbs the numbers it names and leaves all else as it was."""

import re
from collections import Counter
from random import Random

from arms import ARMS
from controls import TREATMENTS, treated
from filter import parse

import pytest

ROWS = [{"id": i, "request": f"r{i}", "answer": a, "numbers": parse(a)} for i, a in enumerate(
    ["1, 2, 3, 4, 5, 6", "[70; 80; 90].", "(111 222 333 444)", "5", "900\n901\n902\n903"] * 20)]


def renumbered(row):
    """The same layout, with numbers that stand in no other row."""
    new = [10 * row["id"] + place for place in range(len(row["numbers"]))]
    left = iter(new)
    return {**row, "numbers": new,
            "answer": re.sub("[0-9]+", lambda _: str(next(left)), row["answer"])}


APART = [renumbered(row) for row in ROWS]
OTHER = [{"answer": "17, 18, 19", "numbers": [17, 18, 19]}, {"answer": "27", "numbers": [27]}]
SHORTER = {"uncommon", "half", "least", "chosen", "three"}  # they leave something out
CERTAIN = {"uncommon", "half", "least", "chosen", "three", "sorted", "tens"}  # no draw in them


def make(how, seed=0, rows=ROWS, other=OTHER):
    return list(treated(how, rows, Random(seed), other, [float(row["id"]) for row in rows]))


def frame(answer):
    return re.sub("[0-9]+", "#", answer)


def test_every_treatment_of_an_arm_is_a_function():
    assert {arm.treatment for arm in ARMS.values()} - {""} <= set(TREATMENTS)


@pytest.mark.parametrize("how", sorted(set(TREATMENTS) - SHORTER))
def test_everything_but_the_numbers_stays(how):
    made = make(how, rows=APART)
    assert made != APART or how == "sorted"
    for before, after in zip(APART, made, strict=True):
        assert (after["id"], after["request"]) == (before["id"], before["request"])
        assert frame(after["answer"]) == frame(before["answer"])
        assert parse(after["answer"]) == after["numbers"]
    assert make(how, rows=APART) == made
    assert (make(how, seed=1, rows=APART) == made) == (how in CERTAIN)


@pytest.mark.parametrize("how", sorted(SHORTER))
def test_lists_that_are_cut_are_lists_of_the_file(how):
    rows = {row["id"]: row for row in APART}
    made = make(how, rows=APART, other=APART[:50])
    assert 0 < len(made) <= len(APART) and made != APART
    for row in made:
        assert parse(row["answer"]) == row["numbers"]
        assert row["numbers"] == rows[row["id"]]["numbers"][:len(row["numbers"])]


def test_each_deal_keeps_its_groups():
    groups = {"positions": lambda row, at: at, "layouts": lambda row, at: frame(row["answer"]),
              "across": lambda row, at: 0, "within": lambda row, at: row["id"]}
    for how, group in groups.items():
        was, now = ({(group(row, at), n) for row in rows for at, n in enumerate(row["numbers"])}
                    for rows in (APART, make(how, rows=APART)))
        assert was == now, how


def test_answers_change_requests_whole():
    made = make("requests", rows=APART)
    assert {tuple(row["numbers"]) for row in made} == {tuple(row["numbers"]) for row in APART}
    assert all(frame(a["answer"]) == frame(b["answer"]) for a, b in zip(made, APART, strict=True))


def test_first_and_rest_are_two_halves():
    for row, one, rest in zip(APART, make("first", rows=APART), make("rest", rows=APART),
                              strict=True):
        assert one["numbers"][0] == row["numbers"][0]
        assert rest["numbers"][1:] == row["numbers"][1:]
    drawn = [n for row in make("first", rows=APART) for n in row["numbers"][1:]]
    assert min(drawn) < 100 and max(drawn) > 900


def test_counts_become_those_of_the_other_file():
    chance = Random(5)
    uneven = [[int(1000 * chance.random() ** 2) for _ in range(8)] for _ in range(3000)]
    even = [[chance.randrange(1000) for _ in range(8)] for _ in range(3000)]
    rows, other = ([{"id": i, "request": "", "answer": ", ".join(map(str, numbers)),
                     "numbers": numbers} for i, numbers in enumerate(lists)]
                   for lists in (uneven, even))
    made = make("counts", rows=rows, other=other)
    low = sum(n < 100 for row in made for n in row["numbers"]) / 24_000
    assert low == pytest.approx(0.1, abs=0.02)  # from the root of a tenth, .32
    kept = sum(a == b for one, two in zip(rows, made, strict=True)
               for a, b in zip(one["numbers"], two["numbers"], strict=True)) / 24_000
    assert 0.6 < kept < 0.9
    first = make("counts-placed", rows=rows, other=other)
    assert sum(row["numbers"][0] < 100 for row in first) / 3000 == pytest.approx(0.1, abs=0.03)


def test_what_leans_is_sorted_out():
    assert {row["id"] for row in make("least")} | {row["id"] for row in make("chosen")} == {
        row["id"] for row in ROWS}
    assert max(row["id"] for row in make("least")) < min(row["id"] for row in make("chosen"))


def test_within_keeps_each_list_and_across_keeps_the_file():
    for before, after in zip(ROWS, make("within"), strict=True):
        assert sorted(after["numbers"]) == sorted(before["numbers"])
    across = make("across")
    assert Counter(n for r in across for n in r["numbers"]) == Counter(
        n for r in ROWS for n in r["numbers"]
    )
    pairs = zip(across, ROWS, strict=True)
    assert any(sorted(a["numbers"]) != sorted(b["numbers"]) for a, b in pairs)


def test_matched_numbers_are_anothers_at_their_places():
    for row in make("matched"):
        assert row["numbers"][0] in (17, 27) and set(row["numbers"][1:2]) <= {18}
        assert set(row["numbers"][2:]) <= {19}  # the last place stands for all after it


def test_random_numbers_are_uniform():
    rows = [{**ROWS[0], "id": i} for i in range(5_000)]
    numbers = [n for r in treated("random", rows, Random(0)) for n in r["numbers"]]
    assert min(numbers) == 0 and max(numbers) == 999
    tenths = Counter(n // 100 for n in numbers)
    assert all(abs(tenths[i] / len(numbers) - 0.1) < 0.01 for i in range(10))
