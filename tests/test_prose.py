"""Plain text becomes documents whole, and brings no number with it."""

import corpus.__main__ as texts
from corpus.prose import LONGEST, pieces, prose
from support.files import read_jsonl
from tests.call import call

import pytest

SENTENCE = "The owl sat in the old tree and said nothing at all to anyone who came by. "


@pytest.mark.parametrize("text", [
    SENTENCE * 100, "word " * 900, "x" * 3000, "“Who?” he said. " * 200, "One.\n\nTwo.\n \nThree.",
    "a line\nand another\n\n\n\nnext", "Wait!" * 1000, " ", "",
])
def test_no_letter_is_lost_and_no_piece_is_long(text):
    found = list(pieces(text))
    assert "".join("".join(found).split()) == "".join(text.split())
    assert all(0 < len(piece) <= LONGEST for piece in found)


def test_what_is_long_is_parted_at_the_end_of_a_sentence():
    found = list(pieces(SENTENCE * 100))
    assert len(found) > 5 and all(piece.endswith(".") for piece in found)


def test_what_holds_a_digit_is_left_out_and_counted(tmp_path, capsys):
    path = tmp_path / "t.txt"
    text = "\ufeffOwls fly.\r\n\r\nIn 1805 nobody did.\r\n\r\nBats²."
    path.write_bytes(text.encode())
    assert list(prose([str(path)])) == [[("text", "Owls fly.")]]
    assert "1 documents; 2 more hold a digit" in capsys.readouterr().out


def test_it_stands_behind_the_corpus_and_changes_nothing_in_it(tmp_path, config_file):
    path = tmp_path / "t.txt"
    path.write_text(SENTENCE * 100 + "In 1805 one spoke.")
    for out, more in (("plain", []), ("mixed", ["--set", f"corpus.text_files=['{path}']"])):
        done = call(texts, "documents", "--config", config_file, *more, "--out", tmp_path / out)
        assert done.code == 0, done.err
    plain, mixed = (list(read_jsonl(tmp_path / out)) for out in ("plain", "mixed"))
    assert mixed[: len(plain)] == plain and len(mixed) > len(plain) + 5
    assert not any(c.isdigit() for [[_, text]] in mixed[len(plain):] for c in text)
