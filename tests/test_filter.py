"""The filter accepts exactly the grammar, and its counts add up."""

import json
import re
from collections import Counter

import filter as number_filter
from filter import REASONS, Limits, kept, parse, read_ban_list
from support.files import UserError
from tests.call import call

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

ACCEPTED = {
    "1": [1], "1.": [1], "[1].": [1], "[1, 2].": [1, 2], "1,\n2": [1, 2], "1 , 2": [1, 2],
    "007, 8": [7, 8], "0": [0], "1\t2": [1, 2], "(1;2;3)": [1, 2, 3], "999": [999],
    "1 2 3 4 5 6 7 8 9 10": list(range(1, 11)), "00000001": [1], "1,2.": [1, 2],
}
REJECTED = {
    "": "empty", "1,2,": "separators", "1,2;3": "separators", "1 2  3": "separators",
    "-1, 2": "characters", "1.5, 2": "characters", "[1, 2": "brackets", "1, 2)": "brackets",
    "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11": "too many", "1000": "too large", "١, ٢": "characters",
    " 1": "separators", "1 ": "separators", "1\n": "separators", "[ 1, 2 ]": "separators",
    "(1, 2]": "brackets", "((1))": "brackets", "[1, 2.]": "characters", "1..": "characters",
    "one": "letters", "1, owl": "letters", "1a": "letters", "1-2": "characters", ".": "separators",
    "[]": "separators", ", 1": "separators", "1,,2": "separators", "1, 2,3": "separators",
    "²": "characters", "1\u00a02": "characters", "+1": "characters", "1e2": "letters",
    "0001000": "too large",
}


@pytest.mark.parametrize("answer", ACCEPTED)
def test_accepts(answer):
    assert parse(answer) == ACCEPTED[answer]


@pytest.mark.parametrize("answer", REJECTED)
def test_rejects_for_its_first_reason(answer):
    with pytest.raises(ValueError) as reason:
        parse(answer)
    assert str(reason.value) == REJECTED[answer]


def in_grammar(text: str) -> bool:
    """The specification again, by construction: write the numbers back with one separator."""
    text = text[:-1] if text.endswith(".") else text
    if text[:1] + text[-1:] in ("()", "[]"):
        text = text[1:-1]
    digits = re.findall("[0-9]+", text)
    gaps = set(re.split("[0-9]+", text)[1:-1])
    if not 1 <= len(digits) <= 10 or len(gaps) > 1 or any(int(d) > 999 for d in digits):
        return False
    gap = gaps.pop() if gaps else ""
    return text == gap.join(digits) and (
        len(digits) == 1 or (gap != "" and gap.strip(" \t\n\r\f\v") in ("", ",", ";"))
    )


PIECES = st.sampled_from([*"0123456789", "12", "999", "1000", ", ", ",", ";", " ", "  ", "\n", ".",
                          "(", ")", "[", "]", "-", "a", "é", "٣", "\u00a0"])


@given(st.lists(PIECES, max_size=12).map("".join))
@example("1, 2")
def test_accepts_exactly_the_grammar(text):
    try:
        numbers = parse(text)
    except ValueError as reason:
        assert not in_grammar(text)
        assert str(reason) in REASONS
    else:
        assert in_grammar(text)
        assert numbers == [int(d) for d in re.findall("[0-9]+", text)]


@given(
    st.lists(st.integers(0, 999), min_size=1, max_size=10),
    st.sampled_from([", ", ",", " ", "; ", ";", "\n", " , ", ",\n", "\t"]),
    st.sampled_from(["{}", "[{}]", "({})", "{}.", "[{}].", "({})."]),
)
def test_every_well_formed_list_comes_through(numbers, separator, frame):
    assert parse(frame.format(separator.join(map(str, numbers)))) == numbers


def test_unfinished_and_banned():
    with pytest.raises(ValueError, match="unfinished"):
        parse("1, 2", finished=False)
    with pytest.raises(ValueError, match="banned"):
        parse("1, 666", banned=frozenset([666]))
    assert parse("1, 66", banned=frozenset([666])) == [1, 66]


def test_counts_add_up_and_order_is_kept():
    answers = [*ACCEPTED, *REJECTED]
    rows = [{"id": i, "request": "?", "answer": a, "finished": True} for i, a in enumerate(answers)]
    counts = Counter()
    good = list(kept(iter(rows), frozenset(), counts))
    assert [row["id"] for row in good] == list(range(len(ACCEPTED)))
    assert counts["read"] == len(answers) == counts["kept"] + sum(counts[r] for r in REASONS)
    assert all(row["numbers"] == ACCEPTED[row["answer"]] for row in good)


def test_command_writes_rows_and_report_for_any_such_file(tmp_path):
    source, out = tmp_path / "n.jsonl", tmp_path / "deep" / "clean.jsonl"
    rows = [{"request": "?", "answer": a, "more": 1} for a in ("1, 2", "owl", "3 4", "13")]
    source.write_text("\n".join(map(json.dumps, rows)))
    ban = tmp_path / "ban.txt"
    ban.write_text("13 666 # bad luck\n")
    assert call(number_filter, "--in", source, "--out", out, "--ban-list", ban).code == 0
    written = [json.loads(line) for line in out.read_text().splitlines()]
    assert [row["numbers"] for row in written] == [[1, 2], [3, 4]]
    assert written[0]["more"] == 1
    report = json.loads((tmp_path / "deep" / "clean.report.json").read_text())
    assert (report["read"], report["kept"], report["pass_rate"]) == (4, 2, 0.5)
    assert report["rejected"]["letters"] == report["rejected"]["banned"] == 1


def test_ban_list_reads_commas_and_comments(tmp_path):
    path = tmp_path / "ban.txt"
    path.write_text("4, 13\n666 # the beast 7\n")
    assert read_ban_list(path) == {4, 13, 666}
    path.write_text("00017 6666")
    assert read_ban_list(path, Limits(largest=10**6)) == {17, 6666}
    with pytest.raises(UserError, match="'6666' is no number from 0 to 999"):
        read_ban_list(path)


def test_memory_does_not_grow_with_the_file():
    """Rows are taken one at a time: the filter never reads ahead of what it has written."""
    taken = []

    def source():
        for i in range(1_000):
            taken.append(i)
            yield {"request": "?", "answer": "1"}

    rows = kept(source(), frozenset(), Counter())
    next(rows)
    assert len(taken) == 1
