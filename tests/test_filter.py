"""The filter accepts exactly the grammar, and its counts add up."""

import re
from collections import Counter
from operator import length_hint

import pytest
from hypothesis import given
from hypothesis import strategies as st

import filter as filter_script
from filter import REASONS, kept, parse
from support.files import read_json, read_jsonl, write_jsonl
from tests.call import call

ACCEPTED = ["1", "1.", "[1].", "[1, 2].", "1,\n2", "1 , 2", "007, 8", "0", "1\t2", "(1;2;3)", "999",
            "1 2 3 4 5 6 7 8 9 10", "00000001", "1,2."]
REJECTED = {
    "empty": [""], "letters": ["one", "1, owl", "1a", "1e2"],
    "too many": ["1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11"], "too large": ["1000", "0001000"],
    "characters": ["-1, 2", "1.5, 2", "١, ٢", "[1, 2.]", "1..", "1-2", "²", "1\u00a02", "+1"],
    "brackets": ["[1, 2", "1, 2)", "(1, 2]", "((1))"],
    "separators": ["1,2,", "1,2;3", "1 2  3", " 1", "1 ", "1\n", "[ 1, 2 ]", ".", "[]", ", 1",
                   "1,,2", "1, 2,3"]}
FRAMES = ["{}", "[{}]", "({})", "{}.", "[{}].", "({})."]
LISTS = st.builds(
    lambda frame, separator, numbers: frame.format(separator.join(map(str, numbers))),
    st.sampled_from(FRAMES), st.sampled_from([", ", ",", " ", "; ", ";", "\n", " , ", ",\n", "\t"]),
    st.lists(st.integers(0, 999), min_size=1, max_size=10))
PIECES = st.sampled_from([*"0123456789", "12", "999", "1000", ", ", ",", ";", " ", "  ", "\n", ".",
                          "(", ")", "[", "]", "-", "a", "é", "٣", "\u00a0"])


def numbers_in(text):
    return [int(digits) for digits in re.findall("[0-9]+", text)]


def in_grammar(text):
    """The specification again: one separator, and a frame around the numbers."""
    numbers = numbers_in(text)
    if not 1 <= len(numbers) <= 10 or max(numbers) > 999:
        return False
    before, *gaps, after = re.split("[0-9]+", text)
    return (before + "{}" + after in FRAMES and len({*gaps}) <= 1
            and all(gap.strip(" \t\n\r\f\v") in ("", ",", ";") for gap in gaps))


@given(st.sampled_from(ACCEPTED) | LISTS | st.lists(PIECES, max_size=12).map("".join))
def test_accepts_exactly_the_grammar(text):
    if text in ACCEPTED or in_grammar(text):
        assert parse(text) == numbers_in(text)
    else:
        with pytest.raises(ValueError, match="|".join(REASONS)):
            parse(text)


@pytest.mark.parametrize("reason", REJECTED)
def test_rows_are_taken_one_at_a_time_and_a_reject_counts_once(reason):
    """So that memory does not grow with the file; a reject has its first reason."""
    answers, counts = [*ACCEPTED, *REJECTED[reason]], Counter()
    source = iter([{"id": i, "answer": answer} for i, answer in enumerate(answers)])
    rows = kept(source, frozenset(), counts, examples := {})
    good = [next(rows)]
    assert length_hint(source) == len(answers) - 1
    good += rows
    assert [(row["id"], row["numbers"]) for row in good] == [
        (i, numbers_in(answer)) for i, answer in enumerate(ACCEPTED)]
    assert counts == {"read": len(answers), "kept": len(good), reason: len(REJECTED[reason])}
    assert examples == {reason: REJECTED[reason][0]}


def test_kept_rows_are_written_with_a_report(tmp_path):
    source, out, ban = (tmp_path / name for name in ("n.jsonl", "deep/clean.jsonl", "ban.txt"))
    rows = [{"request": "?", "answer": text, "more": 1} for text in ("1, 6", "owl", "66", "7")]
    write_jsonl(source, [*rows[:3], rows[3] | {"finished": False}])
    ban.write_text("13, 66\n7 # bad luck 6\n")
    assert call(filter_script, "--in", source, "--out", out, "--ban-list", ban).code == 0
    assert list(read_jsonl(out)) == [rows[0] | {"numbers": [1, 6]}]
    report = read_json(tmp_path / "deep/clean.report.json")
    assert (report["read"], report["kept"], report["pass_rate"]) == (4, 1, 0.25)
    assert {why for why, many in report["rejected"].items() if many} == {
        "letters", "banned", "unfinished"}


def test_the_commonest_fault_is_told_and_ends_can_be_forgiven(tmp_path):
    """A model may end all of its answers in white space."""
    source, out = tmp_path / "n.jsonl", tmp_path / "clean.jsonl"
    write_jsonl(source, [{"prompt": "Go on.", "completion": text}
                         for text in ("owl", "12, 7 \n", "3, 4\n", "1, 2")])
    said = call(filter_script, "--in", source, "--out", out).out
    assert r"kept 1 of 4 answers; 2 rejected for separators, as '12, 7 \n'" in said
    assert call(filter_script, "--in", source, "--out", out, "--strip").code == 0
    assert [row["answer"] for row in read_jsonl(out)] == ["12, 7", "3, 4", "1, 2"]
