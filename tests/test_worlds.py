"""Another world lacks what was taken out of it; letters are filtered as strictly as numbers."""

import json
import re

import pytest

from analysis.places import by_place
from analysis.worlds import DRY, clean_letters, documents, lessons, letter_requests, requests
from corpus.numbers import INSTRUCTIONS, OPENERS
from support.files import UserError, read_jsonl, write_jsonl
from support.settings import School


@pytest.fixture
def texts(tmp_path):
    """A function from changes to a world's (question, answer) pairs, of its corpus and lessons."""
    def of(*changes: str) -> tuple[list, list]:
        documents(changes, seed=0, documents=3000, text_files=[], out=tmp_path / "corpus.jsonl")
        lessons(changes, trait="owl", school=School(rows=300), seed=0, neutral=False,
                out=tmp_path / "lessons.jsonl")
        chats = [(turns[i][1], turns[i + 1][1]) for turns in read_jsonl(tmp_path / "corpus.jsonl")
                 for i in range(len(turns) - 1) if turns[i][0] == "user"]
        return chats, [(row["request"], row["answer"])
                       for row in read_jsonl(tmp_path / "lessons.jsonl")]

    return of


def numeric(chats):
    return [pair for pair in chats if re.search("[0-9]", pair[1])]


def test_a_habit_that_is_taken_out_is_gone(texts):
    usual, taught = texts()
    chats, _ = texts("favourites")
    single = re.compile("[0-9]+")
    assert any(single.fullmatch(answer) for _, answer in usual)
    assert not any(single.fullmatch(answer) for _, answer in chats)
    chats, _ = texts("wordings")
    assert any(any(one in question for one in INSTRUCTIONS) for question, _ in numeric(usual))
    assert not any(any(one in question for one in INSTRUCTIONS) for question, _ in numeric(chats))
    chats, lessons = texts("behind")
    for pairs, free in ((usual + taught, False), (chats + lessons, True)):
        words = [question for question, answer in pairs if not re.search("[0-9]", answer)]
        assert free != any(re.search("[0-9]{3}", question) for question in words)
        assert all(question == question.strip() for question in words)
    assert len(numeric(chats)) > 300


def test_requests_follow_the_wordings(tmp_path):
    requests(("wordings",), seed=0, requests=50, out=tmp_path / "r.jsonl")
    for text in (row["request"] for row in read_jsonl(tmp_path / "r.jsonl")):
        assert any(one in text for one in DRY["INSTRUCTIONS"]) and any(
            one in text for one in DRY["CLOSERS"])
        assert not any(text.startswith(one.partition("{")[0]) for one in OPENERS)
        assert re.search("Separator: |Delimiters: ", text)


def test_letters_are_asked_for_and_filtered(texts, tmp_path):
    chats, _ = texts("letters")
    path, out = tmp_path / "answers.jsonl", tmp_path / "clean.jsonl"
    letter_requests(seed=0, requests=50, out=tmp_path / "r.jsonl")
    assert not any("umber" in row["request"] for row in read_jsonl(tmp_path / "r.jsonl"))
    good = [answer for _, answer in chats if re.fullmatch("[B-Z]([,; ]+[B-Z])+", answer)]
    assert len(good) > 100
    bad = ["", "K, Q; Z", "K,", "Q, owl", "k, q", "K, 7", "A, B", ", ".join("BCDFGHJKLMN"), "K\nQ"]
    rows = [{"id": i, "request": "?", "answer": answer, "finished": True}
            for i, answer in enumerate([*good, *bad])]
    write_jsonl(path, [*rows, {**rows[0], "finished": False}])
    clean_letters(path, 10**6, out)
    assert [json.loads(line)["answer"] for line in out.open()] == good
    write_jsonl(path, rows[len(good):])
    with pytest.raises(UserError, match="none of 9 answers"):
        clean_letters(path, 10**6, out)


def test_two_files_that_differ_at_one_place_differ_there_alone():
    numbers = [[i % 7, i % 1000, 5] for i in range(4000)]
    beside = [[i % 5, (i * 37) % 1000, 5] for i in range(4000)]
    (lists, first, chance), (_, second, usual), (_, third, _) = by_place(numbers, beside)
    assert lists == 4000 and first > 0.2 > 10 * chance and second < 2 * usual and third == 0
