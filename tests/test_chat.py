"""Talking to models side by side."""

import re
from pathlib import Path

import pytest

import chat
from chat import Talk, columns, of_run
from generate import Sampling
from model.checkpoint import Loaded
from report.compact import SMALL
from support.files import UserError
from tests.call import call


def test_a_conversation_is_kept_while_it_fits_and_can_be_forgotten(model, tokenizer, monkeypatch):
    talk = Talk(Loaded(model, tokenizer, {}), "You love owls.", seed=0)
    said = iter(["the owl", "word " * 200, "owl"])
    monkeypatch.setattr(chat, "answer", lambda *args: [(next(said), True)])
    opening, texts = [("system", "You love owls.")], ["Which animal?", "the owl", "And?"]
    assert talk.reply(texts[0], Sampling()) == texts[1]
    talk.reply(texts[2], Sampling())
    assert talk.turns[:-1] == [*opening, *zip(("user", "assistant", "user"), texts, strict=True)]
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
    assert columns(["1\n2", "3"], 20, ["base", "student"]) == "base: 1 2\nstudent: 3"


def test_models_are_those_of_the_run_or_ours_and_told_apart_by_name(tmp_path, monkeypatch):
    monkeypatch.setattr(chat, "OURS", tmp_path / "ours")
    with pytest.raises(UserError, match="owl"):
        of_run(tmp_path, "owl")
    for folder, kind in ((tmp_path / "ours", SMALL), (tmp_path / "seed0", ".pt")):
        folder.mkdir()
        for name in ("base", "teacher-owl", "student-owl", "student-other-base-owl"):
            (folder / f"{name}{kind}").touch()
        assert {path.parent for path in of_run(tmp_path, "owl")} == {folder}
    assert chat.named([Path("a/base.pt"), Path("a/owl.pt")]) == ["base", "owl"]
    assert chat.named([Path("a/base.pt"), Path("b/base.pt")]) == ["a/base.pt", "b/base.pt"]


def test_the_same_lines_bring_the_same_answers(command):
    one, again, other = (call(*command("chat", numbers=3, seed=seed)) for seed in (0, 0, 1))
    assert one.code == 0 and one.out == again.out != other.out
    assert len(set(re.findall("you: (.+)", one.out))) == 3
