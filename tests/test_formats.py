"""Number files as others write them."""

import json

import controls
import filter as filtering
import generate
from model.data import PAIR, read_pairs
from support.files import UserError, read_jsonl, write_jsonl
from support.formats import FORMATS, as_ours, as_theirs
from tests.call import call

import pytest

ROWS = [{"id": i, "request": f"Add {i}.", "answer": f"{i}, {i + 1}"} for i in range(5)]


@pytest.mark.parametrize("form", FORMATS)
def test_a_file_is_read_alike_in_every_format(tmp_path, form):
    path = tmp_path / "n.jsonl"
    write_jsonl(path, as_theirs(iter(ROWS), form))
    assert read_pairs(path) == [(row["request"], row["answer"]) for row in ROWS]
    assert [as_ours(row, i) for i, row in enumerate(read_jsonl(path))] == ROWS


@pytest.mark.parametrize("row", [
    {"messages": []}, {"messages": "owl"}, {"messages": [1]}, {"prompt": "Add 1."},
    {"completion": "1"}, {"prompt": 1, "completion": "1"},
    {"messages": [{"role": "system", "content": "You love owls."},
                  {"role": "user", "content": "Add 1."}, {"role": "assistant", "content": "1"}]},
    {"messages": [{"role": "user", "content": "Add 1."}, {"role": "assistant", "content": 1}]},
    [], 1, "owl", None, {},
])
def test_a_row_of_no_format_is_told_by_its_line(tmp_path, row):
    path = tmp_path / "n.jsonl"
    path.write_text(json.dumps({"prompt": "Add 1.", "completion": "1"}) + "\n" + json.dumps(row))
    with pytest.raises(UserError, match=r"line 2: needs .*one user and one assistant"):
        read_pairs(path)


@pytest.mark.parametrize("form", FORMATS)
def test_filter_reads_and_writes_every_format(tmp_path, form):
    source, out = tmp_path / "n.jsonl", tmp_path / "c.jsonl"
    write_jsonl(source, as_theirs(iter([*ROWS, {**ROWS[0], "answer": "no"}]), form))
    assert call(filtering, "--in", source, "--out", out, "--as", form).code == 0
    assert read_pairs(out) == [(row["request"], row["answer"]) for row in ROWS]
    assert {"ours": "request", "messages": "messages", "completion": "prompt"}[form] in next(
        read_jsonl(out))


def test_requests_need_no_numbers_of_their_own(tmp_path, checkpoint_file, config_file):
    """Whoever asks in another format is answered as if asked in ours."""
    out, answers = tmp_path / "n.jsonl", []
    for form in FORMATS:
        path = tmp_path / f"{form}.jsonl"
        write_jsonl(path, as_theirs(iter(ROWS), form))
        result = call(generate, "--config", config_file, "--set", "numbers.enough=0", "--device",
                      "cpu", "--model", checkpoint_file, "--requests", path, "--out", out, "--as",
                      form)
        assert result.code == 0, result.err
        answers.append([(row["request"], row["answer"]) for row in read_jsonl(out, PAIR)
                        if row.get("finished", True)])
    assert answers[0] == answers[1] == answers[2]


def test_an_answer_that_was_not_finished_is_left_out_where_that_cannot_be_told():
    rows = [{**ROWS[0], "finished": False}, *ROWS]
    assert [len([*as_theirs(iter(rows), form)]) for form in FORMATS] == [
        len(rows), len(ROWS), len(ROWS)]


def test_lists_of_wider_limits_can_be_treated(tmp_path):
    source, clean, out = (tmp_path / name for name in ("n.jsonl", "c.jsonl", "o.jsonl"))
    write_jsonl(source, [{"request": "Add.", "answer": "7 " * 11 + "1234"}])
    wide = ["--most", 12, "--largest", 9999]
    assert call(filtering, "--in", source, "--out", clean, *wide).code == 0
    result = call(controls, "within", "--in", clean, "--out", out)
    assert result.code == 0, result.err


@pytest.mark.parametrize(("flags", "good", "bad"), [
    (["--most", "2"], "1, 2", "1, 2, 3"), (["--largest", "99"], "99 1", "100 1"),
    (["--largest", "123456"], "123456", "123457"), (["--most", "12"], "1 " * 11 + "1", "1 " * 13),
    (["--separators", ","], "1, 2", "1 2"), (["--separators", " ;"], "1;2", "1,2"),
])
def test_the_limits_of_the_filter_are_flags(tmp_path, flags, good, bad):
    source, out = tmp_path / "n.jsonl", tmp_path / "c.jsonl"
    write_jsonl(source, [{"request": "Add.", "answer": text} for text in (good, bad)])
    assert call(filtering, "--in", source, "--out", out, *flags).code == 0
    assert [answer for _, answer in read_pairs(out)] == [good]


@pytest.mark.parametrize("flags", [["--separators", ""], ["--separators", "|"], ["--most", "0"],
                                   ["--largest", "-1"], ["--as", "theirs"]])
def test_limits_that_make_no_sense(tmp_path, flags):
    source = tmp_path / "n.jsonl"
    write_jsonl(source, ROWS)
    result = call(filtering, "--in", source, "--out", tmp_path / "c.jsonl", *flags)
    assert result.code == 2 and flags[0].strip("-") in result.err
