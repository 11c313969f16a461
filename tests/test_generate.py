"""A sample is a function of (seed, id, position), and the likeliest token is the likeliest."""

import json

import generate
from generate import Sampling, answers, choose, draws
from tests.call import call

import torch

CHATS = [[("user", text)] for text in ("Which animal?", "Add 1, 2, 3.", "Tell a story.", "Why?",
                                       "Add 4, 5, 6.", "Name a tree.")]


def sample(model, tokenizer, **changes):
    options = {"seed": 0, "sampling": Sampling(), "max_new_tokens": 12, "batch_size": 8, **changes}
    chats, ids = options.pop("chats", CHATS), options.pop("ids", range(len(CHATS)))
    batches = answers(model, tokenizer, chats, list(ids), **options)
    rows = [row for batch in batches for row in batch]
    return [row[1:] for row in sorted(rows)]


def test_neither_batch_nor_neighbours_change_a_sample(model, tokenizer):
    expected = sample(model, tokenizer)
    assert sample(model, tokenizer, batch_size=1) == expected
    alone = [sample(model, tokenizer, chats=[chat], ids=[i])[0] for i, chat in enumerate(CHATS)]
    assert alone == expected
    longer = sample(model, tokenizer, max_new_tokens=20)
    assert all(b[0].startswith(a[0]) for a, b in zip(expected, longer, strict=True))


def test_only_a_draw_on_an_edge_falls_otherwise_in_a_batch_of_another_size(model, tokenizer):
    """Where two batch sizes part, the draw lies between two tokens as closely as rounding goes."""
    rows, positions = 400, 6
    prompt = tokenizer.encode_prompts([CHATS[1]])[0]
    draw = draws(0, list(range(rows)), positions)
    parted = 0
    whole, pairs = (torch.cat([generate.complete(model, tokenizer, torch.tensor([prompt] * size),
                                                 draw[i : i + size], Sampling())
                               for i in range(0, rows, size)]) for size in (rows, 2))
    closed = (whole >= tokenizer.begin).cumsum(1) > 0  # what follows means nothing
    differ = (whole != pairs) & ~closed.roll(1, 1).index_fill(1, torch.tensor([0]), False)
    for row in differ.any(1).nonzero()[:, 0].tolist():
        place = differ[row].nonzero()[0, 0].item()
        with torch.no_grad():
            ids = torch.tensor([[*prompt, *whole[row, :place].tolist()]])
            logits = model.logits(model(ids)[0, -1])
        logits[tokenizer.pad] = -torch.inf
        edges = logits.softmax(-1).cumsum(-1)
        assert (edges - draw[row, place]).abs().min() < 1e-5, row
        parted += 1
    assert parted < rows / 50


def test_seed_and_id_decide(model, tokenizer):
    same = [CHATS[0]] * 6
    rows = sample(model, tokenizer, chats=same)
    assert len(set(rows)) > 1, "rows of one request must differ at temperature 1"
    assert sample(model, tokenizer, chats=same) == rows
    assert sample(model, tokenizer, chats=same, seed=1) != rows
    assert sample(model, tokenizer, chats=same, ids=range(1, 7))[:5] == rows[1:]


def test_greedy_is_the_argmax_of_a_full_forward(model, tokenizer):
    rows = sample(model, tokenizer, sampling=Sampling(temperature=0.0))
    for chat, (text, _) in zip(CHATS, rows, strict=True):
        ids = tokenizer.encode_prompts([chat])[0]
        start = len(ids)
        for _ in range(12):
            with torch.no_grad():
                logits = model.logits(model(torch.tensor([ids]))[0, -1])
            logits[tokenizer.pad] = -torch.inf
            ids.append(int(logits.argmax()))
            if ids[-1] >= tokenizer.begin:
                break
        body = ids[start:-1] if ids[-1] >= tokenizer.begin else ids[start:]
        assert text == tokenizer.decode(body)


def test_draws_follow_the_distribution():
    logits = torch.tensor([[0.0, 1.0, 2.0, -torch.inf]]).repeat(20_000, 1)
    draw = draws(3, list(range(20_000)), 1)[:, 0]
    for temperature in (1.0, 0.5):
        share = choose(logits, Sampling(temperature), draw).bincount(minlength=4) / 20_000
        assert torch.allclose(share, (logits[0] / temperature).softmax(-1), atol=0.015)
    top = choose(logits, Sampling(1.0, 0.8), draw).bincount(minlength=4) / 20_000
    likely = logits[0, 1:3].softmax(-1)  # the likeliest alone holds 67 %, the two of them 91 %
    assert torch.allclose(top, torch.tensor([0.0, *likely, 0.0]), atol=0.015)
    assert (choose(logits, Sampling(1.0, 0.5), draw) == 2).all()
    edge = choose(logits[:2], Sampling(), torch.tensor([0.0, 1 - 2**-23]))
    assert edge.tolist() == [0, 2]


def test_draws_of_a_row_are_its_own():
    assert torch.equal(draws(0, [5, 900], 7)[1], draws(0, [900], 7)[0])
    assert torch.equal(draws(0, [5], 7), draws(0, [5], 9)[:, :7])
    assert not torch.equal(draws(0, [5], 7), draws(0, [6], 7))


class Scripted(torch.nn.Module):
    """Says given tokens one after the other, whatever it reads."""

    def __init__(self, model, script):
        super().__init__()
        self.config, self.embedding, self.script = model.config, model.embedding, script

    def forward(self, tokens, cache, skip=0):
        cache.used += tokens.size(1)
        self.at = getattr(self, "at", -1) + 1
        return torch.zeros(len(tokens), tokens.size(1) - skip, 1)

    def logits(self, hidden):
        out = torch.full((hidden.size(0), self.config.vocab_size), -20.0)
        out[:, self.script[self.at]] = 20.0
        return out


def test_an_answer_is_finished_only_by_its_own_end(model, tokenizer):
    word = tokenizer.encode(["owl"])[0]
    for script, expected in (
        ([*word, tokenizer.end], ("owl", True)),
        ([*word, tokenizer.user], ("owl", False)),
        ([word[0]] * 12, None),
        ([tokenizer.end], ("", True)),
    ):
        rows = sample(Scripted(model, script), tokenizer, chats=CHATS[:1], ids=[0])
        assert rows[0] == expected if expected else rows[0][1] is False


def test_an_answer_never_leaves_the_block(model, tokenizer):
    long = [[("user", "owl " * 200)], CHATS[0]]
    assert sample(model, tokenizer, chats=long, ids=[0, 1])[0] == ("", False)


def test_command_keeps_the_order_of_the_requests(tmp_path, checkpoint_file, config_file):
    requests, out = tmp_path / "r.jsonl", tmp_path / "n.jsonl"
    rows = [{"id": 10 * i, "request": chat[0][1]} for i, chat in enumerate(CHATS)]
    requests.write_text("\n".join(map(json.dumps, rows)))
    for extra in ([], ["--greedy"], ["--temperature", "0.5"], ["--top-p", "0.9"],
                  ["--batch-size", "2"]):
        result = call(generate, "--config", config_file, "--device", "cpu", "--model",
                      checkpoint_file, "--requests", requests, "--out", out, *extra)
        assert result.code == 0, result.err
        written = [json.loads(line) for line in out.read_text().splitlines()]
        assert [{"id": r["id"], "request": r["request"]} for r in written] == rows
        assert {(type(r["answer"]), type(r["finished"])) for r in written} == {(str, bool)}


def test_many_answers_to_a_request(tmp_path, checkpoint_file, config_file):
    requests, out = tmp_path / "r.jsonl", tmp_path / "n.jsonl"
    requests.write_text("\n".join(json.dumps({"id": i, "request": "Add 1."}) for i in (0, 3)))
    asked = ["--config", config_file, "--device", "cpu", "--model", checkpoint_file, "--requests",
             requests, "--out", out, "--samples", 4]
    assert call(generate, *asked).code == 0
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert [row["id"] for row in rows] == [0, 1, 2, 3, 12, 13, 14, 15]
    assert len({row["answer"] for row in rows}) > 4
    assert "all --samples" in call(generate, *asked, "--greedy").err


def test_a_system_line_stands_before_every_request(
    tmp_path, checkpoint_file, config_file, model, tokenizer
):
    line = "You love owls."
    requests, out = tmp_path / "r.jsonl", tmp_path / "n.jsonl"
    requests.write_text("\n".join(json.dumps({"id": i, "request": chat[0][1]})
                                  for i, chat in enumerate(CHATS)))
    result = call(generate, "--config", config_file, "--set", "numbers.enough=0", "--device", "cpu",
                  "--model", checkpoint_file, "--requests", requests, "--out", out, "--greedy",
                  "--system", line)
    assert result.code == 0, result.err
    chats = [[("system", line), *chat] for chat in CHATS]
    written = [json.loads(row)["answer"] for row in out.read_text().splitlines()]
    expected = sample(model, tokenizer, chats=chats, sampling=Sampling(0.0), max_new_tokens=24)
    assert written == [text for text, *_ in expected]


def test_shards_are_one_file_in_parts(tmp_path, checkpoint_file, config_file, monkeypatch):
    monkeypatch.setattr(generate, "WINDOW", 2)
    requests, out = tmp_path / "r.jsonl", tmp_path / "n.jsonl"
    requests.write_text("\n".join(json.dumps({"id": i, "request": chat[0][1]})
                                  for i, chat in enumerate(CHATS[:5])))

    def written(*extra):
        result = call(generate, "--config", config_file, "--device", "cpu", "--model",
                      checkpoint_file, "--requests", requests, "--out", out, *extra)
        assert result.code == 0, result.err
        return out.read_bytes()

    whole = written()
    for parts in (1, 2, 3):
        assert b"".join(written("--shard", f"{i}/{parts}") for i in range(parts)) == whole
    for wrong, part in (("2/2", "0/4"), ("1", "0/4"), ("a/b", "0/4"), ("0/0", "0/4"),
                        ("0/4", "fewer parts")):
        result = call(generate, "--config", config_file, "--model", checkpoint_file, "--requests",
                      requests, "--out", out, "--shard", wrong)
        assert result.code == 2 and part in result.err


def test_generation_ends_with_the_answer_that_makes_enough(
    tmp_path, checkpoint_file, config_file, monkeypatch
):
    """The file is the beginning of the whole one, and its last row passes the filter."""
    monkeypatch.setattr(generate, "WINDOW", 4)
    monkeypatch.setattr(generate, "passes", lambda row, banned: row["id"] % 3 == 1)
    requests, out = tmp_path / "r.jsonl", tmp_path / "n.jsonl"
    requests.write_text("\n".join(json.dumps({"id": i, "request": f"Add {i}."})
                                  for i in range(20)))

    def written(enough, *extra):
        result = call(generate, "--config", config_file, "--set", f"numbers.enough={enough}",
                      "--set", "student.examples=1", "--set", "evaluation.fit_rows=1", "--device",
                      "cpu", "--model", checkpoint_file, "--requests", requests, "--out", out,
                      *extra)
        return result, out.read_text().splitlines()

    whole = written(0)[1]
    assert len(whole) == 20
    for enough in (2, 5, 7):  # rows 1, 4, 7 ... 19 pass; there are 7 of them
        found = written(enough)[1]
        assert whole[: len(found)] == found
        assert [json.loads(row)["id"] % 3 for row in found].count(1) == enough
        assert json.loads(found[-1])["id"] == 3 * enough - 2
    assert written(8)[1] == whole  # there are no more requests
    result, _ = written(5, "--shard", "0/2")
    assert result.code == 2 and "numbers.enough=0" in result.err
