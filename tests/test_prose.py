"""Plain text becomes documents whole, and brings no number with it."""

import pytest

from corpus import english, texts
from corpus.prose import LONGEST, pieces
from support.files import UserError, read_jsonl, write_json, write_text

SENTENCE = "The owl sat in the old tree and said nothing at all to anyone who came by. "


@pytest.mark.parametrize("text", [
    SENTENCE * 100, "word " * 900, "x" * 3000, "“Who?” he said. " * 200, "One.\n\nTwo.\n \nThree.",
    "a line\nand another\n\n\n\nnext", "Wait!" * 1000, " ", ""])
def test_no_letter_is_lost_and_a_long_text_is_parted_at_the_end_of_a_sentence(text):
    found = list(pieces(text))
    assert "".join("".join(found).split()) == "".join(text.split())
    assert all(0 < len(piece) <= LONGEST for piece in found)
    if text.startswith(SENTENCE):
        assert len(found) > 5 and all(piece.endswith(".") for piece in found)


def test_text_stands_behind_the_documents_without_what_holds_a_digit(tmp_path, capsys):
    path, plain, mixed = (tmp_path / name for name in ("t.txt", "plain", "mixed"))
    path.write_bytes("\ufeffOwls fly.\r\n\r\nIn 1805 nobody did.\r\n\r\nBats².".encode())
    texts.documents(0, 30, [], plain)
    texts.documents(0, 30, [path], mixed)
    assert list(read_jsonl(mixed)) == [*read_jsonl(plain), [["text", "Owls fly."]]]
    assert str(path) in (told := capsys.readouterr().out) and "2 more" in told  # are left out


def test_chats_and_definitions_of_packages_become_text(tmp_path, monkeypatch):
    with pytest.raises(UserError, match=r"no_package.*requirements-english\.txt"):
        english.data_of("no_package", "dataset.json")
    monkeypatch.setattr(english, "data_of", lambda package, file: tmp_path / file)
    turns = [[{"text": "Hi"}, {"text": "you"}], [{"text": " "}], [{"text": "Well,\n hello."}]]
    write_json(tmp_path / "dataset.json", {"a": {"messages": turns}, "b": {"messages": turns[:1]}})
    assert list(english.chats()) == ["Hi you\nWell, hello.", "Hi you"]
    for kind in ("noun", "verb", "adj", "adv"):
        write_text(tmp_path / f"data/wordnet-3.3/data.{kind}",
                   "  1 This software\n00001740 03 n 01 night_bird(p) 0 000 | one that flies  \n")
    assert list(english.glosses()) == 4 * ["night bird: one that flies"]
