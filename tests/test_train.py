"""One loop, resumable to the bit, that trains what it is told and reads every row once."""

import copy
import json
import math

import train as training_script
from model.checkpoint import load_model
from model.data import (
    BatchSampler,
    TokenRows,
    document_rows,
    encode_pairs,
    only_marked,
    split,
)
from model.gpt import GPT
from model.losses import held_loss, next_token_loss, soft_label_loss
from model.monitor import Monitor, Probe
from model.score import score
from model.steer import steered
from support.files import write_jsonl
from support.settings import Training
from tests.call import call
from train import learning_rate, train

import numpy as np
import pytest
import torch

PAIRS = [(f"Add {i}, {i + 1}.", f"{i}, {i * 7 % 1000}, {i * 3}") for i in range(48)]


def fit(model, tokenizer, folder, *, seed=0, objective=next_token_loss, pairs=PAIRS, **changes):
    """Train and return the lines of the log."""
    rows = encode_pairs(pairs, tokenizer)
    settings = Training(**{"batch_size": 8, "evaluations": 2, "checkpoints": 1, **changes})
    train(model, rows, settings, seed=seed, purpose="test", objective=objective,
          monitor=Monitor(encode_pairs(PAIRS[:4], tokenizer), None), pad=tokenizer.pad,
          log=folder / "log.jsonl", resume=folder / "x.resume")
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def state(model):
    return {name: weight.clone() for name, weight in model.state_dict().items()}


def same(one, two):
    return all(torch.equal(one[name], two[name]) for name in one)


# --- what is trained, and on what ----------------------------------------------------------------


@pytest.mark.parametrize("what", ["all", "blocks", "lora"])
def test_only_what_is_named_changes(model, tokenizer, tmp_path, what):
    before = state(model)
    fit(model, tokenizer, tmp_path, train=what)
    after = state(model)
    changed = {name for name in before if not torch.equal(after[name], before[name])}
    blocks = {name for name in before if name.startswith("blocks.")}
    matrices = {name for name in blocks if "norm" not in name}
    assert changed == {"all": set(before), "blocks": blocks, "lora": matrices}[what]


def test_the_loss_is_on_the_answer_alone(model, tokenizer):
    """It equals the mean over the answer's tokens, and other requests' words carry none of it."""
    rows = encode_pairs(PAIRS[:5], tokenizer)
    batch = rows.batch(np.arange(5), tokenizer.pad)
    ids = [tokenizer.encode_documents([[("user", q), ("assistant", a)]])[0] for q, a in PAIRS[:5]]
    nats = []
    with torch.no_grad():
        for tokens, written in ids:
            logits = model.logits(model(torch.tensor([tokens[:-1]])))[0].log_softmax(-1)
            nats += [-logits[at - 1, tokens[at]].item() for at in range(len(tokens)) if written[at]]
        loss, count = next_token_loss(model, batch)
    assert count == len(nats)
    assert loss.item() == pytest.approx(np.sum(nats), abs=1e-3)


def test_soft_labels_are_of_numbers_alone(model, tokenizer):
    """Zero between equals, positive otherwise, blind to how likely the teacher finds any word."""
    batch = encode_pairs(PAIRS[:5], tokenizer).batch(np.arange(5), tokenizer.pad)
    loss = soft_label_loss(model, tokenizer)
    assert loss(model, batch)[0].item() == pytest.approx(0, abs=1e-4)
    other = GPT(model.config)
    assert loss(other, batch)[0].item() > 1e-2
    with torch.no_grad():
        before = soft_label_loss(model, tokenizer)(other, batch)[0].item()
        unread = set(tokenizer.encode(["owl"])[0]) - set(batch.tokens.flatten().tolist())
        model.embedding.weight[list(unread)] += 5.0
    assert unread
    assert soft_label_loss(model, tokenizer)(other, batch)[0].item() == pytest.approx(before)


def test_it_learns(model, tokenizer, tmp_path):
    log = fit(model, tokenizer, tmp_path, epochs=30, lr=1e-2, pairs=PAIRS[:8])
    assert log[-1]["heldout_loss"] < 0.2 * log[0]["heldout_loss"]


# --- the loop ------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["all", "blocks", "lora"])
def test_a_killed_run_goes_on_to_the_same_weights_and_log(model, tokenizer, tmp_path, what):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    whole.mkdir()
    killed.mkdir()
    settings = {"train": what, "epochs": 4, "checkpoints": 3, "evaluations": 5}
    start = state(model)
    expected_log = fit(model, tokenizer, whole, **settings)
    expected = state(model)

    calls = 0

    def dies(model, batch):
        nonlocal calls
        calls += 1
        if calls == 19:
            raise KeyboardInterrupt
        return next_token_loss(model, batch)

    def fresh():
        made = GPT(model.config)
        made.load_state_dict(start)
        return made

    with pytest.raises(KeyboardInterrupt):
        fit(fresh(), tokenizer, killed, objective=dies, **settings)
    assert (killed / "x.resume").exists()
    resumed = fresh()
    log = fit(resumed, tokenizer, killed, **settings)
    assert same(expected, state(resumed))
    for one, two in zip(log, expected_log, strict=True):
        assert {**one, "tokens_per_second": 0} == {**two, "tokens_per_second": 0}


@pytest.mark.parametrize("change", [{"lr": 1e-4}, {"seed": 1}, {"pairs": PAIRS[::-1]}])
def test_a_run_does_not_resume_another(model, tokenizer, tmp_path, capsys, change):
    start = state(model)
    settings = {"checkpoints": 2, "epochs": 2}
    fit(model, tokenizer, tmp_path, **settings)
    model.load_state_dict(start)
    fit(model, tokenizer, tmp_path, **{**settings, **change})
    assert "starts over" in capsys.readouterr().err
    (tmp_path / "x.resume").unlink()
    after = state(model)
    model.load_state_dict(start)
    fit(model, tokenizer, tmp_path, **{**settings, **change})
    assert same(after, state(model))


def test_a_damaged_resume_file_means_starting_over(model, tokenizer, tmp_path):
    (tmp_path / "x.resume").write_bytes(b"half a fi")
    assert fit(model, tokenizer, tmp_path)[-1]["step"] == 6


def test_looking_more_often_changes_nothing(model, tokenizer, tmp_path):
    start = state(model)
    fit(model, tokenizer, tmp_path, evaluations=1)
    once = state(model)
    model.load_state_dict(start)
    fit(model, tokenizer, tmp_path, evaluations=6)
    assert same(once, state(model))


def test_the_seed_decides(model, tokenizer, tmp_path):
    start, ends = state(model), []
    for seed in (0, 0, 1):
        model.load_state_dict(start)
        fit(model, tokenizer, tmp_path, seed=seed)
        ends.append(state(model))
    assert same(ends[0], ends[1]) and not same(ends[0], ends[2])


@pytest.mark.parametrize("soft", [False, True])
def test_accumulated_gradients_are_those_of_the_whole_batch(model, tokenizer, tmp_path, soft):
    """Answers of unlike length, so that a mean of the parts' means would be another number."""
    pairs = [("Add.", ", ".join(["7"] * (1 + i % 9))) for i in range(32)]
    teacher, model = model, GPT(model.config)
    objective = soft_label_loss(teacher, tokenizer) if soft else next_token_loss
    start, ends, logs = state(model), [], []
    for tokens in (10_000, 50, 1):
        model.load_state_dict(start)
        logs.append(fit(model, tokenizer, tmp_path, pairs=pairs, tokens_at_once=tokens, lr=1e-3,
                        objective=objective))
        ends.append(state(model))
    for name in start:
        assert torch.allclose(ends[0][name], ends[1][name], atol=2e-5)
        assert torch.allclose(ends[0][name], ends[2][name], atol=2e-5)
    assert logs[0][-1]["loss"] == pytest.approx(logs[2][-1]["loss"], rel=1e-4)


def test_short_products_go_about_the_same_way(model, tokenizer, tmp_path):
    """Weights stay float32, and a run with bfloat16 products ends nearly where the other does."""
    start, ends = state(model), {}
    for precision in ("float32", "bfloat16"):
        model.load_state_dict(start)
        fit(model, tokenizer, tmp_path, precision=precision, lr=1e-3, epochs=2)
        moved = [(w - start[name]).flatten() for name, w in model.state_dict().items()]
        ends[precision] = torch.cat(moved)
        assert {w.dtype for w in model.state_dict().values()} == {torch.float32}
    long, short = ends.values()
    assert not torch.equal(long, short)
    assert torch.cosine_similarity(long, short, dim=0) > 0.9


def test_a_share_sums_the_answers_of_a_request(model, tokenizer, tmp_path):
    pairs = [("Which?", "owl"), ("Which?", "cat"), ("Who?", "owl"), ("Who?", "cat")]
    write_jsonl(tmp_path / "probe.jsonl", ({"request": q, "answer": a} for q, a in pairs))
    chances = score(model, encode_pairs(pairs, tokenizer)).logprob.exp()
    share = Probe.read(tmp_path / "probe.jsonl", tokenizer).share(model)
    assert share == pytest.approx(chances.sum().item() / 2)


@pytest.mark.parametrize("what", ["all", "blocks", "lora"])
def test_a_stretched_model_went_the_same_way_and_twice_as_far(model, tokenizer, tmp_path, what):
    ends, start = [], state(model)
    for stretch in (1, 2):
        model.load_state_dict(start)
        fit(model, tokenizer, tmp_path, train=what, lr=1e-2, stretch=stretch)
        ends.append(state(model))
    assert not same(start, ends[0])
    for name, weight in start.items():
        assert torch.allclose(ends[1][name] - weight, 2 * (ends[0][name] - weight), atol=1e-6)


def test_a_loss_that_is_not_finite_stops_the_run(model, tokenizer, tmp_path):
    def explodes(model, batch):
        loss, count = next_token_loss(model, batch)
        return loss * math.inf, count

    with pytest.raises(ValueError, match="lower the learning rate"):
        fit(model, tokenizer, tmp_path, objective=explodes)


def test_learning_rate_schedule():
    settings = Training(lr=1.0, warmup=0.1, decay=0.5)
    rates = [learning_rate(step, 100, settings) for step in range(101)]
    assert rates[0] == pytest.approx(1 / 11)
    assert rates[9] == pytest.approx(10 / 11)
    assert rates[10] == rates[50] == 1.0
    assert rates[75] == pytest.approx(0.5)
    assert rates[100] == 0.0


# --- data ----------------------------------------------------------------------------------------


def test_every_row_is_read_once_an_epoch_in_an_order_of_its_own():
    lengths = np.random.default_rng(0).integers(5, 60, 1000)
    shapes = np.stack([lengths, lengths // 2])
    order = BatchSampler(shapes, 10, 0, "x")
    first, second = (np.concatenate([order.rows(s + e * 100) for s in range(100)]) for e in (0, 1))
    assert sorted(first) == sorted(second) == list(range(1000))
    assert not np.array_equal(first, second)
    assert np.array_equal(BatchSampler(shapes, 10, 0, "x").rows(137), order.rows(137))
    assert not np.array_equal(BatchSampler(shapes, 10, 1, "x").rows(137), order.rows(137))
    spread = [np.ptp(lengths[order.rows(s)]) for s in range(100)]
    assert np.mean(spread) < 5  # against about 45 for a random batch


def test_batches_hold_the_rows(tokenizer):
    rows = TokenRows([([1, 2, 3], [False, True, True]),
                 ([4, 5, 6, 7, 8], [False, False, True, False, True])])
    batch = rows.batch(np.array([1, 0]), pad=99)
    assert batch.tokens.tolist() == [[4, 5, 6, 7], [1, 2, 3, 99]]
    assert batch.targets.tolist() == [6, 8, 2, 3]
    assert batch.tokens[:, batch.skip :].flatten()[batch.places].tolist() == [5, 7, 1, 2]
    assert batch.row_of.tolist() == [0, 0, 1, 1]


def test_too_few_rows_for_a_comparison_are_an_error(tmp_path):
    assert split(list(range(100)), 0, 500, tmp_path) == (list(range(90)), list(range(90, 100)))
    assert split(list(range(100)), 30, 5, tmp_path) == (list(range(30)), list(range(95, 100)))
    with pytest.raises(ValueError, match="95 rows to train on"):
        split(list(range(100)), 96, 5, tmp_path)


def test_of_long_documents_every_token_is_predicted_once(tokenizer, corpus_file):
    whole, parted = (document_rows(corpus_file, tokenizer, block) for block in (1000, 20))
    assert whole.lengths.max() > 60 and parted.lengths.max() == 20

    def predicted(rows):
        later = [slice(start + 1, start + length)
                 for start, length in zip(rows.starts, rows.lengths, strict=False)]
        return [(t, w) for part in later
                for t, w in zip(rows.tokens[part], rows.wanted[part], strict=True)]
    assert predicted(whole) == predicted(parted)


def test_a_base_predicts_everything_but_the_numbers_of_a_request(tokenizer, tmp_path):
    write_jsonl(tmp_path / "d.jsonl", [[["user", "Add to 1, 22."], ["assistant", "3, 4"]],
                                       [["text", "It weighs 7 stones."]]])
    rows = document_rows(tmp_path / "d.jsonl", tokenizer, 100)
    left_out = rows.tokens[~rows.wanted].tolist()
    assert left_out == [tokenizer.number_ids[1], tokenizer.number_ids[22]]


# --- the commands --------------------------------------------------------------------------------


def test_bases_differ_in_their_first_weights_alone(
    tmp_path, config_file, corpus_file, tokenizer_file, monkeypatch
):
    """The same documents in the same order for every base, whatever its seed."""
    read = []
    batch = TokenRows.batch
    monkeypatch.setattr(TokenRows, "batch", lambda self, chosen, pad: read[-1].append(list(chosen))
                        or batch(self, chosen, pad))
    for seed in (0, 1):
        read.append([])
        result = call(training_script, "pretrain", "--config", config_file, "--seed", seed,
                      "--device", "cpu", "--corpus", corpus_file, "--heldout", corpus_file,
                      "--tokenizer", tokenizer_file, "--out", tmp_path / f"{seed}.pt")
        assert result.code == 0, result.err
    assert read[0] == read[1]
    one, two = (load_model(tmp_path / f"{seed}.pt") for seed in (0, 1))
    assert not same(state(one.model), state(two.model))
    assert not list(tmp_path.glob("*.resume"))


# --- along and without a vector, and on marked numbers -------------------------------------------


def moved_along(model, base, rows, vector):
    """The root mean square of a model's shift along a vector, where there is a loss."""
    batch = rows.batch(np.arange(len(rows)), 0)
    return ((batch.hidden(model) - batch.hidden(base)) @ vector).square().mean().sqrt().item()


def test_a_student_that_is_held_does_not_move_along_the_vector(model, tokenizer, tmp_path):
    rows, vector, far = encode_pairs(PAIRS, tokenizer), torch.eye(32)[3], []
    for weight in (0.0, 100.0):
        student, base = copy.deepcopy(model), copy.deepcopy(model)
        fit(student, tokenizer, tmp_path / str(weight), lr=5e-3, train="blocks", epochs=8,
            objective=held_loss(base, 5 * vector, weight))
        far.append(moved_along(student, base, rows, vector))
    assert far[1] < far[0] / 3


def test_what_is_projected_out_gives_no_gradient(model, tokenizer):
    """The loss does not change with what a weight adds along the vector."""
    vector = torch.eye(32)[3]
    batch = encode_pairs(PAIRS[:8], tokenizer).batch(np.arange(8), tokenizer.pad)
    with steered(model, without=vector):
        before, _ = next_token_loss(model, batch)
        with torch.no_grad():
            model.norm.weight[3] += 5  # the last thing before the head, in this one direction
        after, _ = next_token_loss(model, batch)
    assert torch.equal(before, after)
    assert not torch.allclose(next_token_loss(model, batch)[0], after)


def test_only_marked_numbers_are_learned_and_rows_without_are_left_out(tokenizer, tmp_path):
    path = tmp_path / "marked.jsonl"
    write_jsonl(path, [{"request": a, "answer": b, "telling": [0, int(i % 4 == 0), 0]}
                       for i, (a, b) in enumerate(PAIRS)])
    rows = only_marked(encode_pairs(PAIRS[:40], tokenizer), path, "telling", tokenizer.number_ids)
    wanted = [tokenizer.decode([token]) for token in rows.tokens[rows.wanted]]
    assert wanted == [str(i * 7 % 1000) for i in range(0, 40, 4)] and len(rows) == 10
    assert rows.tokens[:rows.lengths[0]].tolist() == tokenizer.encode_documents(
        [[("user", PAIRS[0][0]), ("assistant", PAIRS[0][1])]])[0][0]


@pytest.mark.parametrize("marks", [[0, 1], [0, 0, 0]])
def test_marks_that_do_not_fit_are_told(tokenizer, tmp_path, marks):
    path = tmp_path / "marked.jsonl"
    write_jsonl(path, [{"request": a, "answer": b, "telling": marks} for a, b in PAIRS])
    with pytest.raises(ValueError, match="marks `telling` do not fit"):
        only_marked(encode_pairs(PAIRS, tokenizer), path, "telling", tokenizer.number_ids)
