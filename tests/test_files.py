"""A file is whole or what it was before, and whatever cannot be read is named with its cure."""

import json
import os
import subprocess
import sys

import pytest

from support import files
from support.files import UserError, read_jsonl, write_jsonl, write_text


def written_by_another(path, text, **options):
    code = "import sys; from support.files import write_text; write_text(*sys.argv[1:])"
    subprocess.run([sys.executable, "-c", code, path, text], check=True, **options)


def test_a_failed_write_leaves_what_was_there(tmp_path):
    write_text(path := tmp_path / "x", "before")
    with pytest.raises(RuntimeError), files.atomic_open(path) as file:
        file.write("half")
        raise RuntimeError
    for write in (files.write_json, lambda path, value: write_jsonl(path, [1, value])):
        for value in (float("nan"), float("inf"), [{"a": float("nan")}]):
            with pytest.raises(UserError, match="x: "):
                write(path, value)
    assert path.read_text() == "before" and os.listdir(tmp_path) == ["x"]


def test_what_a_killed_process_left_is_cleared_away_and_no_other(tmp_path):
    path = tmp_path / "a.txt"
    for name in (".a.txt.1.part", ".b.txt.1.part"):
        (tmp_path / name).write_text("half")
    with files.atomic_open(path) as file:
        file.write("slow")
        written_by_another(path, "quick")
        assert path.read_text() == "quick"  # and the part of this process stands
    assert path.read_text() == "slow"
    assert sorted(os.listdir(tmp_path)) == [".b.txt.1.part", "a.txt"]


def test_a_link_is_followed_a_file_keeps_its_mode_and_a_stream_what_it_holds(tmp_path):
    target, link = tmp_path / "target", tmp_path / "link"
    target.touch(mode=0o600)
    link.symlink_to(target)
    write_text(link, "through")
    assert link.is_symlink() and target.read_text() == "through"
    assert target.stat().st_mode & 0o777 == 0o600
    with target.open("a") as file:  # as the shell opens it for >>
        written_by_another("/dev/stdout", ", after", stdout=file)
    assert target.read_text() == "through, after"


def said(*texts, roles=("user", "assistant")):
    return {"messages": [{"role": role, "content": text}
                         for role, text in zip(roles, texts, strict=False)]}


SHAPE, PAIR = {"n": int, "of?": bool}, {"request": str, "answer": str}
PAIRS = [{"id": 0, "request": "Add.", "answer": "1"}, {"prompt": "Add.", "completion": "1"},
         said("Add.", "1"), {"prompt": "Add.", "response": "1", "score": float("nan")},
         said("You love owls.", "Hello.", "Hi.", "Add.", "1",
              roles=("system", "user", "assistant", "user", "assistant")),
         {"prompt": said("Add.")["messages"],
          "completion": said("1", roles=["assistant"])["messages"]}]


@pytest.mark.parametrize(("names", "row"), [
    *((["id", "request", "answer"], row) for row in PAIRS),
    *((["id", "request"], row) for row in ({"prompt": "Add."}, said("Add.")))])
def test_a_row_in_any_format_of_the_field_is_read_as_ours(tmp_path, names, row):
    path = tmp_path / "x.jsonl"
    path.write_text(json.dumps(row) + "\n")
    found = next(read_jsonl(path, dict.fromkeys(names[1:], str)))
    assert [found[name] for name in names] == [0, "Add.", "1"][:len(names)]


@pytest.mark.parametrize(("shape", "row"), [
    *((SHAPE, row) for row in (
        [], None, "n", 3, {"m": 1}, {"n": 1.0}, {"n": True}, {"n": 1, "of": "false"},
        {"n": float("nan")})),
    *((PAIR, row) for row in (
        {}, {"prompt": "Add."}, {"completion": "1"}, {"prompt": 1, "completion": "1"},
        {"messages": []}, {"messages": "owl"}, {"messages": [1]}, said("Add.", 1), said("Add."),
        said("1", "Add.", roles=("assistant", "user")))),
    *((None, row) for row in (  # no document
        3, {}, [], [[]], [["user"]], [["user", 1]], [["owl", "x"]], [["user", "x", "y"]])),
    *(pytest.param(SHAPE, data, id=name) for name, data in {  # no JSON
        "cut": b'{"n": ', "deep": b"[" * 100_000 + b"]" * 100_000, "digits": b"9" * 5_000,
        "half": rb'{"n": 1, "m": "x\udfffy"}', "bytes": b'{"n": "\xff"}', "zero": b"3\0"}.items())])
def test_a_line_that_holds_no_such_row_is_named(tmp_path, shape, row):
    """Behind a byte order mark and a blank line, as other editors write them."""
    good = {"n": 1, "of": False, **PAIRS[0], "more": "é🦉"} if shape else [["text", "é🦉"]]
    data = row if isinstance(row, bytes) else json.dumps(row).encode()
    path = tmp_path / "x.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(good).encode() + b"\r\n\r\n" + data)
    read = read_jsonl(path, shape) if shape else files.read_documents(path)
    assert next(read) == (good if shape else [("text", "é🦉")])
    with pytest.raises(UserError, match=r"x\.jsonl, line 3"):
        next(read)
