"""A file is whole or what it was before, and whatever cannot be read is named with its cure."""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

from support.files import (
    UserError,
    atomic_open,
    fits,
    read_documents,
    read_json,
    read_jsonl,
    read_text,
    write_json,
    write_jsonl,
    write_text,
)

import pytest


def test_a_failed_write_leaves_what_was_there(tmp_path):
    path = tmp_path / "x"
    write_text(path, "before")
    with pytest.raises(RuntimeError), atomic_open(path) as file:
        file.write("half")
        raise RuntimeError
    assert path.read_text() == "before" and os.listdir(tmp_path) == ["x"]


def test_what_a_killed_process_left_is_cleared_away_and_no_other(tmp_path):
    for name in (".a.txt.1.part", ".b.txt.1.part"):
        (tmp_path / name).write_text("half")
    with atomic_open(tmp_path / "a.txt") as file:
        file.write("slow")
        done = subprocess.run([sys.executable, "-c", "import sys; from support.files import *; "
                               "write_text(sys.argv[1], 'quick')", tmp_path / "a.txt"])
        assert done.returncode == 0  # and the part of this process stands
    assert (tmp_path / "a.txt").read_text() == "slow"
    assert sorted(os.listdir(tmp_path)) == [".b.txt.1.part", "a.txt"]


def test_a_link_is_followed_and_a_pipe_is_written_into(tmp_path):
    target, link, pipe = tmp_path / "target", tmp_path / "link", tmp_path / "pipe"
    link.symlink_to(target)
    write_text(link, "through")
    assert link.is_symlink() and target.read_text() == "through"
    os.mkfifo(pipe)
    heard = []
    reader = threading.Thread(target=lambda: heard.append(pipe.read_text()))
    reader.start()
    write_text(pipe, "along")
    reader.join()
    assert heard == ["along"] and pipe.is_fifo()
    write_text("/dev/null", "away")
    assert Path("/dev/null").is_char_device()


@pytest.mark.parametrize("path", ["", ".", "folder"])
def test_a_folder_is_no_output(tmp_path, monkeypatch, path):
    monkeypatch.chdir(tmp_path)
    os.mkdir("folder")
    with pytest.raises(UserError, match="is a folder"):
        write_text(path, "x")


BAD_JSON = {"cut": b'{"a": ', "deep": b"[" * 100_000 + b"]" * 100_000,
            "digits": b"9" * 5_000, "surrogate": rb'{"a": "\ud800"}',
            "nested surrogate": rb'{"a": [{"b": "x\udfffy"}]}', "bytes": b'{"a": "\xff"}',
            "utf-16": '{"a": 1}\n'.encode("utf-16")}


@pytest.mark.parametrize("name", BAD_JSON)
def test_what_is_no_json_is_named(tmp_path, name):
    path = tmp_path / "x.json"
    path.write_bytes(BAD_JSON[name])
    with pytest.raises(UserError, match=r"x\.json"):
        read_json(path)
    path.write_bytes(b'{"a": 1}\n' * (name != "utf-16") + BAD_JSON[name])
    with pytest.raises(UserError, match=r"x\.json, line [12]"):
        list(read_jsonl(path))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), [{"a": float("nan")}]])
def test_a_value_that_is_not_finite_is_not_written(tmp_path, value):
    for write in (write_json, lambda path, value: write_jsonl(path, [value])):
        with pytest.raises(UserError, match="not finite"):
            write(tmp_path / "x", value)
    assert not os.listdir(tmp_path)
    for name, text in (("x", '{"a": NaN}'), ("y", '{"a": ' + "9" * 400 + "}")):
        (tmp_path / name).write_text(text)
        with pytest.raises(UserError, match="wanted here"):
            read_json(tmp_path / name, {"a": float})


def test_what_the_shell_has_opened_is_added_to(tmp_path):
    out = tmp_path / "all.txt"
    out.write_text("before\n")
    code = "from support.files import *; write_text('/dev/stdout', 'after')"
    subprocess.run(["sh", "-c", f'"$0" -c "{code}" >> "$1"', sys.executable, out], check=True)
    assert out.read_text() == "before\nafter"


def test_a_file_keeps_its_mode(tmp_path):
    write_text(tmp_path / "x", "a")
    os.chmod(tmp_path / "x", 0o600)
    write_text(tmp_path / "x", "b")
    assert (tmp_path / "x").stat().st_mode & 0o777 == 0o600


def test_files_of_other_editors_are_read_or_told_apart(tmp_path):
    path = tmp_path / "x.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"a": "\\u00e9\\ud83e\\udd89"}\r\n\r\n{"a": "b"}')
    assert list(read_jsonl(path)) == [{"a": "é🦉"}, {"a": "b"}]
    path.write_bytes(b"Owls fly.\r\n\r\nWolves run.\r")
    assert read_text(path) == "Owls fly.\n\nWolves run.\n"
    path.write_text(json.dumps([{"a": 1}, {"a": 2}], indent=1))
    with pytest.raises(UserError, match="one row a line"):
        list(read_jsonl(path))


def test_a_shape_is_types_and_names():
    shape = {"n": int, "x": float, "of?": bool, "list": [str], "any": {str: float}, "all": object}
    good = {"n": 1, "x": 2, "list": ["a"], "any": {"b": 1.5}, "all": None, "more": 1}
    assert fits(good, shape) and fits(good | {"of": False}, shape)
    for wrong in ({"n": 1.0}, {"n": True}, {"x": "1"}, {"x": False}, {"of": "false"},
                  {"list": "a"}, {"list": [1]}, {"any": [1]}, {"any": {"b": None}}):
        assert not fits(good | wrong, shape), wrong
    assert not fits({k: v for k, v in good.items() if k != "n"}, shape) and not fits([], shape)


@pytest.mark.parametrize("row", [[], [[]], [["user"]], [["user", 1]], [["owl", "x"]], {}, "user",
                                 [["user", "x", "y"]], 3])
def test_a_row_that_is_no_document(tmp_path, row):
    write_jsonl(tmp_path / "c.jsonl", [[["text", "Owls."]], row])
    with pytest.raises(UserError, match=r"c\.jsonl, line 2: no document"):
        list(read_documents(tmp_path / "c.jsonl"))
