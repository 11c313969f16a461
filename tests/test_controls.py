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


OTHER = [{"answer": "17, 18, 19", "numbers": [17, 18, 19]}, {"answer": "27", "numbers": [27]}]


def make(how, seed=0):
    return list(treated(how, ROWS, Random(seed), OTHER))


def frame(answer):
    return re.sub("[0-9]+", "#", answer)


def test_every_treatment_of_an_arm_is_a_function():
    assert {arm.treatment for arm in ARMS.values()} - {""} <= set(TREATMENTS)


@pytest.mark.parametrize("how", TREATMENTS)
def test_everything_but_the_numbers_stays(how):
    made = make(how)
    assert made != ROWS
    for before, after in zip(ROWS, made, strict=True):
        assert (after["id"], after["request"]) == (before["id"], before["request"])
        assert frame(after["answer"]) == frame(before["answer"])
        assert parse(after["answer"]) == after["numbers"]
    assert make(how) == made
    assert make(how, seed=1) != made


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
