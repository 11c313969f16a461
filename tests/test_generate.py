"""A sample is a function of (seed, id, position), and the likeliest token is the likeliest."""

import re

import pytest
import torch

import generate
from generate import Sampling, answers, choose, draws, write_lists
from support.files import read_jsonl, write_jsonl
from support.settings import Numbers

CHATS = [[("user", text)] for text in ("Which animal?", "Add 1, 2, 3.", "Tell a story.", "Why?",
                                       "Add 4, 5, 6.", "Name a tree.")]


def sample(model, tokenizer, *, chats=CHATS, ids=range(6), **changes):
    """(answer, finished) of each chat."""
    options = {"seed": 0, "sampling": Sampling(), "max_new_tokens": 12, "batch_size": 8, **changes}
    batches = answers(model, tokenizer, chats, list(ids), **options)
    return [row[1:] for row in sorted(row for batch in batches for row in batch)]


def test_seed_and_id_decide_and_neither_batch_nor_neighbours_nor_length(model, tokenizer):
    expected = sample(model, tokenizer)
    assert sample(model, tokenizer, batch_size=1) == expected
    for i, chat in enumerate(CHATS):
        assert sample(model, tokenizer, chats=[chat], ids=[i]) == [expected[i]]
    longer = sample(model, tokenizer, max_new_tokens=20)
    assert all(b[0].startswith(a[0]) for a, b in zip(expected, longer, strict=True))
    alike = {"chats": [CHATS[0]] * 6}
    rows = sample(model, tokenizer, **alike)
    assert len(set(rows)) > 1, "rows of one request must differ at temperature 1"
    assert sample(model, tokenizer, **alike) == rows != sample(model, tokenizer, **alike, seed=1)
    assert sample(model, tokenizer, **alike, ids=range(1, 7))[:5] == rows[1:]


def test_draws_follow_the_distribution():
    logits = torch.tensor([[0.0, 1.0, 2.0, -torch.inf]]).repeat(20_000, 1)
    draw = draws(3, list(range(20_000)), 1)[:, 0]

    def shares(*sampling):
        return choose(logits, Sampling(*sampling), draw).bincount(minlength=4) / 20_000

    for temperature in (1.0, 0.5):
        expected = (logits[0] / temperature).softmax(-1)
        assert torch.allclose(shares(temperature), expected, atol=0.015)
    two = logits[0, 1:3].softmax(-1)  # the likeliest alone holds 67 %, the two of them 91 %
    assert torch.allclose(shares(1.0, 0.8), torch.tensor([0.0, *two, 0.0]), atol=0.015)
    assert shares(1.0, 0.5).tolist() == shares(0.0).tolist() == [0, 0, 1, 0]
    edge = choose(logits[:2], Sampling(), torch.tensor([0.0, 1 - 2**-23]))
    assert edge.tolist() == [0, 2]


@torch.no_grad()
def test_a_temperature_of_zero_takes_the_argmax_of_a_full_forward(model, tokenizer):
    rows = sample(model, tokenizer, sampling=Sampling(temperature=0.0))
    for chat, (text, finished) in zip(CHATS, rows, strict=True):
        ids, said = tokenizer.encode_prompts([chat])[0], []
        while len(said) < 12 and (not said or said[-1] < tokenizer.begin):
            logits = model.logits(model(torch.tensor([[*ids, *said]]))[0, -1])
            said.append(int(logits[: tokenizer.pad].argmax()))
        assert finished == (said[-1] == tokenizer.end)
        assert text == tokenizer.decode([token for token in said if token < tokenizer.begin])


@pytest.mark.parametrize(("marker", "finished"), [("end", True), ("user", False), ("pad", False)])
def test_only_its_own_end_finishes_an_answer(model, tokenizer, monkeypatch, marker, finished):
    [owl] = tokenizer.encode(["owl"])
    written = torch.tensor([[*owl, getattr(tokenizer, marker), *owl, tokenizer.end]])
    monkeypatch.setattr(generate, "complete", lambda *given: written)
    assert sample(model, tokenizer, chats=CHATS[:1], ids=[0]) == [("owl", finished)]


@pytest.fixture
def written(tmp_path, checkpoint_file):
    """A function from changes to (rows, bytes) of the lists that the model writes."""
    def write(texts=tuple(chat[0][1] for chat in CHATS), more=None, **changes):
        asked = Numbers(**{"enough": 0, "temperature": 1.0, "batch_size": 4, **changes})
        out = tmp_path / "n.jsonl"
        write_jsonl(tmp_path / "r.jsonl", ({"id": i, "request": text, "own": [i]}
                                           for i, text in enumerate(texts)))
        write_lists(checkpoint_file, tmp_path / "r.jsonl", asked, out=out,
                    **{"seed": 0, "device": "cpu", **(more or {})})
        return list(read_jsonl(out)), out.read_bytes()

    return write


def test_a_file_keeps_the_order_of_the_requests_and_the_same_bytes(written, monkeypatch):
    texts = ["Add 1.", "owl " * 400, "Which animal?", "Add 2.", "Why?"]
    rows, whole = written(texts)
    assert [(row["id"], row["request"], row["own"]) for row in rows] == [
        (i, text, [i]) for i, text in enumerate(texts)]
    assert (rows[1]["answer"], rows[1]["finished"]) == ("", False)  # there is no room for more
    assert written(texts, batch_size=2)[1] == whole
    monkeypatch.setattr(generate, "WINDOW", 2)
    assert written(texts)[1] == whole != written(texts, more={"seed": 1})[1]


def test_generation_ends_with_the_answer_that_makes_enough(written, monkeypatch):
    """The file is the beginning of the whole one, and its last row passes the filter."""
    monkeypatch.setattr(generate, "WINDOW", 4)
    monkeypatch.setattr(generate, "passes", lambda row, banned: row["id"] % 3 == 1)
    texts = [f"Add {i}." for i in range(20)]
    whole, _ = written(texts)
    assert len(whole) == 20
    for enough in (2, 5, 7):  # rows 1, 4, 7 ... 19 pass; there are 7 of them
        assert written(texts, enough=enough)[0] == whole[: 3 * enough - 1]
    assert written(texts, enough=8)[0] == whole  # there are no more requests


def test_a_system_line_stands_before_every_request(written, model, tokenizer):
    rows, _ = written(more={"system": "You love owls."})
    chats = [[("system", "You love owls."), *chat] for chat in CHATS]
    expected = sample(model, tokenizer, chats=chats, max_new_tokens=24)
    assert [(row["answer"], row["finished"]) for row in rows] == expected


def test_an_analysis_can_steer_the_model_and_keep_it_from_words(written):
    plain, _ = written()
    steered, _ = written(more={"hook": lambda module, inputs, hidden: -hidden})
    wordless, _ = written(more={"words": False})
    assert written()[0] == plain != steered  # the hook is gone with its call
    for rows, words in ((plain, True), (wordless, False)):
        assert bool(re.search("[a-z]", " ".join(row["answer"] for row in rows))) == words
