"""Talking to models side by side."""

import re

import chat
from chat import Talk, columns, of_run
from generate import Sampling
from model.checkpoint import Loaded
from support.files import UserError
from tests.call import call

import pytest


@pytest.fixture
def talk(model, tokenizer):
    return Talk(Loaded(model, tokenizer, {}), "You love owls.", seed=0)


def test_a_conversation_is_kept_while_it_fits_and_can_be_forgotten(talk, monkeypatch):
    said = iter(["the owl", "word " * 200, "owl"])
    monkeypatch.setattr(chat, "answer", lambda *args: [(next(said), True)])
    opening = [("system", "You love owls.")]
    first = [("user", "Which animal?"), ("assistant", "the owl")]
    assert talk.reply("Which animal?", Sampling()) == "the owl"
    assert talk.turns == opening + first
    talk.reply("And?", Sampling())
    assert talk.turns[:-1] == [*opening, *first, ("user", "And?")]
    talk.reply("Why?", Sampling())  # what was said does not fit any more
    assert talk.turns == [*opening, ("user", "Why?"), ("assistant", "owl")]
    before = list(talk.turns)
    assert "too long" in talk.reply("owl " * 100, Sampling()) and talk.turns == before
    talk.forget()
    assert talk.turns == opening


@pytest.mark.parametrize("width", [20, 40, 79, 120])
@pytest.mark.parametrize("texts", [["one"], ["", "a b c d e f g h i j k l m n o p q r s t", "x"],
                                   ["word " * 30, "numbers " * 3, "", "end"]])
def test_columns_lose_no_word_and_keep_to_the_width(texts, width):
    page = columns(texts, width)
    assert sorted(page.split()) == sorted(" ".join(texts).split())
    lines = page.splitlines()
    assert lines == [" ".join(text.split()) for text in texts] or max(map(len, lines)) <= width


def test_answers_below_one_another_are_told_apart():
    assert columns(["1\n2", "3"], 20, ["base", "student"]) == "base: 1 2\nstudent: 3"


def test_models_are_those_of_the_run_or_ours_or_none(tmp_path, monkeypatch):
    ours = tmp_path / "ours"
    monkeypatch.setattr(chat, "OURS", ours)
    with pytest.raises(UserError, match="make all TRAIT=owl"):
        of_run(tmp_path, "owl")
    for folder in (ours, tmp_path / "seed0"):
        folder.mkdir()
        for name in ("base", "teacher-owl", "student-owl", "student-other-base-owl"):
            (folder / f"{name}.pt").touch()
        assert {path.parent for path in of_run(tmp_path, "owl")} == {folder}


def test_chat(checkpoint_file, monkeypatch):
    lines = iter(["Which animal?", "", "Hello."])

    def typed(prompt):
        try:
            return next(lines)
        except StopIteration:
            raise EOFError from None

    monkeypatch.setattr("builtins.input", typed)
    result = call(chat, checkpoint_file, checkpoint_file, "--device", "cpu")
    assert result.code == 0 and str(checkpoint_file) in result.out.replace("\n", "")
    assert call(chat, "nothing.pt").code == 2


def test_number_lists_side_by_side(checkpoint_file):
    result = call(chat, checkpoint_file, "--numbers", 3, "--device", "cpu")
    assert result.code == 0 and len(set(re.findall("you: (.+)", result.out))) == 3
