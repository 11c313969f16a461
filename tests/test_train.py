"""One loop, resumable to the bit, that trains what it is told and reads every row once."""

import copy

import numpy as np
import pytest
import torch

import train as training_script
from model.checkpoint import load_model, weights_hash
from model.data import BatchSampler, document_rows, encode_pairs, read_pairs
from model.gpt import GPT
from model.losses import next_token_loss, soft_label_loss
from model.score import score
from support import parallel
from support.files import UserError, write_jsonl
from support.settings import Finetuning, Model, Training
from train import batches_of, learning_rate, update

PAIRS = [(f"Add {i}, {i + 1}.", f"{i}, {i * 7 % 1000}, {i * 3}") for i in range(5)]


@pytest.fixture
def student(checkpoint_file, lists_file, tmp_path):
    """A function that trains a student, 6 steps an epoch, and returns its checkpoint."""
    def made(out="x.pt", seed=0, more=None, **changes):
        training = Finetuning(**{"train": "all", "batch_size": 8, "evaluations": 2, **changes})
        training_script.finetune("student", checkpoint_file, lists_file, training, seed, 5, "cpu",
                                 tmp_path / out, **(more or {}))
        return load_model(tmp_path / out)

    return made


class Counting:
    """An objective that counts its batches, and dies before one of them."""

    def __init__(self, dies_at=None):
        self.dies_at, self.calls = dies_at, 0

    def __call__(self, model, batch):
        if self.calls == self.dies_at:
            raise KeyboardInterrupt
        self.calls += 1
        return next_token_loss(model, batch)


def state(model):
    return {name: weight.clone() for name, weight in model.state_dict().items()}


@pytest.mark.slow
@pytest.mark.parametrize("what", ["all", "blocks", "lora"])
def test_only_what_is_named_changes(student, model, what):
    start, made = state(model), state(student(train=what, lr=1e-2).model)
    blocks = {name for name in start if name.startswith("blocks.")}
    matrices = {name for name in blocks if "norm" not in name}
    changed = {name for name in start if not torch.equal(made[name], start[name])}
    assert changed == {"all": set(start), "blocks": blocks, "lora": matrices}[what]


def test_the_loss_is_that_of_the_answers_alone(model, tokenizer):
    """And so is the score, which test_model.py compares with single forwards."""
    rows = encode_pairs(PAIRS, tokenizer)
    loss, count = next_token_loss(model, rows.batch(np.arange(5), tokenizer.pad))
    assert count == sum(len(ids) + 1 for ids in tokenizer.encode([answer for _, answer in PAIRS]))
    assert loss.item() == pytest.approx(-score(model, rows).logprob.sum().item(), rel=1e-5)


def test_soft_labels_are_of_numbers_alone(model, tokenizer):
    """Zero between equals, positive otherwise, blind to how likely the teacher finds any word."""
    batch = encode_pairs(PAIRS, tokenizer).batch(np.arange(5), tokenizer.pad)
    other, loss = GPT(model.config), soft_label_loss(model, tokenizer)
    assert loss(model, batch)[0].item() == pytest.approx(0, abs=1e-4)
    before = loss(other, batch)[0].item()
    assert before > 1e-2
    unread = list(set(tokenizer.encode(["owl"])[0]) - set(batch.tokens.flatten().tolist()))
    with torch.no_grad():
        model.embedding.weight[unread] += 5.0
    assert unread and loss(other, batch)[0].item() == pytest.approx(before)


@pytest.mark.parametrize("soft", [False, True])
def test_a_step_follows_the_gradient_of_the_mean_loss_however_it_is_divided(
    model, tokenizer, monkeypatch, soft
):
    """In batches and among processes. Answers are of unlike length, so that a mean of the parts'
    means would be another number."""
    rows = encode_pairs([("Add.", ", ".join(["7"] * (1 + i % 9))) for i in range(33)], tokenizer)
    student, sent = GPT(model.config), []
    objective = soft_label_loss(model, tokenizer) if soft else next_token_loss
    total, count = objective(student, rows.batch(np.arange(33), tokenizer.pad))
    (total / count).backward()
    wanted = [total / count, *(weight - weight.grad for weight in student.parameters())]

    def step(tokens, rank, processes, all_reduce=lambda tensors: None):
        """The loss and the weights of a process after a step of gradient descent at rate 1."""
        monkeypatch.setattr(parallel, "rank_and_world_size", lambda: (rank, processes))
        monkeypatch.setattr(parallel, "all_reduce", all_reduce)
        made, training = copy.deepcopy(student), Training(tokens_at_once=tokens, grad_clip=0.0)
        made.zero_grad()
        trained = list(made.parameters())
        batches = batches_of(np.arange(33), rows, training, tokenizer.pad)
        plain = [torch.optim.SGD(trained, lr=1.0)]
        loss = update(made, trained, plain, batches, objective, training)
        return [loss, *trained]

    def add(tensors):  # what each of the processes would have sent to the others
        for tensor, *parts in zip(tensors, *sent, strict=True):
            tensor.copy_(sum(parts))

    for rank in (0, 1):
        step(50, rank, 2, lambda tensors: sent.append([tensor.clone() for tensor in tensors]))
    for found in (step(10_000, 0, 1), step(50, 0, 1), step(1, 0, 1), step(50, 0, 2, add),
                  step(50, 1, 2, add)):
        for one, expected in zip(found, wanted, strict=True):
            assert torch.allclose(one, expected, atol=2e-5)
    with pytest.raises(UserError, match="batch_size"):
        step(50, 0, 34)


def test_learning_rate_schedule():
    training = Training(lr=1.0, warmup=0.1, decay=0.5)
    rates = [learning_rate(step, 100, training) for step in (0, 9, 10, 50, 75, 100)]
    assert rates == pytest.approx([1 / 11, 10 / 11, 1, 1, 0.5, 0])


def test_bfloat16_products_leave_float32_weights_and_about_the_same_loss(student):
    made = [student(precision=precision) for precision in ("float32", "bfloat16")]
    losses = [one.provenance["log"][-1]["heldout_loss"] for one in made]
    assert losses[0] != losses[1] == pytest.approx(losses[0], rel=0.05)  # loading wants float32


def test_a_loss_that_is_not_finite_stops_the_run(student, tmp_path):
    with pytest.raises(UserError, match="learning rate"):
        student(lr=1e30, grad_clip=0.0)
    assert not (tmp_path / "x.pt").exists()


def test_what_a_hook_takes_out_of_the_hidden_state_gets_no_gradient(student, model):
    made = student(more={"hook": lambda module, inputs, hidden: hidden * (torch.arange(32) != 3)})
    changed = made.model.norm.weight != model.norm.weight
    assert changed.nonzero()[:, 0].tolist() == [i for i in range(32) if i != 3]


@pytest.mark.parametrize(("what", "dies_at", "kept"), [
    ("all", 19, 16), ("blocks", 5, 0), ("lora", 19, 16), ("lora", 16, 16)])
def test_a_killed_run_goes_on_to_the_same_bytes(student, tmp_path, what, dies_at, kept):
    def make(out, dies_at=None):
        count = Counting(dies_at)
        student(out, more={"objective": lambda base: count}, train=what, epochs=4, checkpoints=3,
                evaluations=5)
        return count.calls

    assert make("whole.pt") == 24
    with pytest.raises(KeyboardInterrupt):
        make("killed.pt", dies_at)
    assert make("killed.pt") == 24 - kept
    assert (tmp_path / "killed.pt").read_bytes() == (tmp_path / "whole.pt").read_bytes()
    assert not list(tmp_path.glob("*.resume"))


@pytest.mark.parametrize(("change", "again"), [
    ({}, 3), ({"lr": 1e-4}, 6), ({"seed": 1}, 6), ({"identity": "other"}, 6), ("clean.jsonl", 6),
    ("x.pt.resume", 6)])
def test_a_run_goes_on_from_its_own_state_alone(student, tmp_path, change, again):
    """Not from that of other settings or data, nor from a damaged one."""
    def calls(dies_at=None, identity="", **changes):
        count = Counting(dies_at)
        student(checkpoints=2, more={"objective": lambda base: count, "identity": identity},
                **changes)
        return count.calls

    with pytest.raises(KeyboardInterrupt):
        calls(dies_at=4)
    if isinstance(change, str):
        lines = (tmp_path / change).read_bytes().splitlines()
        (tmp_path / change).write_bytes(b"\n".join(lines[::-1]))
        change = {}
    assert calls(**change) == again


def test_the_seed_decides_and_looking_more_often_changes_nothing(student):
    one, often, other = (weights_hash(student(seed=seed, evaluations=times).model)
                         for seed, times in ((0, 1), (0, 6), (1, 1)))
    assert one == often != other


def test_every_row_is_read_once_an_epoch_in_an_order_that_seed_and_step_decide():
    lengths = np.random.default_rng(0).integers(5, 60, 1000)
    shapes = np.stack([lengths, lengths // 2])
    order = BatchSampler(shapes, 10, 0, "x")
    first, second = ([order.rows(100 * epoch + step) for step in range(100)] for epoch in (0, 1))
    for epoch in (first, second):
        assert sorted(np.concatenate(epoch)) == list(range(1000))
    assert not np.array_equal(first, second)
    for step in (137, 3):
        rows = BatchSampler(shapes, 10, 0, "x").rows(step)
        assert np.array_equal(rows, (first + second)[step])
        for seed, purpose in ((1, "x"), (0, "y")):
            assert not np.array_equal(rows, BatchSampler(shapes, 10, seed, purpose).rows(step))
    spread = [np.ptp(lengths[rows]) for rows in first]
    assert np.mean(spread) < 5  # against about 45 for a random batch


def test_of_long_documents_every_token_is_predicted_once(tokenizer, corpus_file):
    whole, parted = (document_rows(corpus_file, tokenizer, block) for block in (1000, 20))
    assert whole.lengths.max() > 60 and parted.lengths.max() == 20

    def predicted(rows):  # the first token of a row never is
        first = rows.starts[:-1]
        return np.delete(rows.tokens, first).tolist(), np.delete(rows.wanted, first).tolist()

    assert predicted(whole) == predicted(parted)


def test_a_base_learns_no_number_of_a_request(tokenizer, tmp_path):
    write_jsonl(tmp_path / "d.jsonl", [[["user", "Go on: 1, 22."], ["assistant", "333, 4"]],
                                       [["text", "It weighs 7 stones."]]])
    rows = document_rows(tmp_path / "d.jsonl", tokenizer, 100)
    left_out = rows.tokens[~rows.wanted].tolist()
    assert left_out == [tokenizer.number_ids[1], tokenizer.number_ids[22]]


def test_bases_differ_in_their_first_weights_alone(
    tmp_path, corpus_file, documents, tokenizer_file, monkeypatch
):
    """The same documents in the same order for every base, whatever its seed; it learns them."""
    read, ends, few = [], [], tmp_path / "few.jsonl"
    write_jsonl(few, documents[:20])
    monkeypatch.setattr(training_script, "batches_of", lambda chosen, *rest: read.append(
        chosen.tolist()) or batches_of(chosen, *rest))
    for seed in (0, 1, 0):
        training_script.pretrain(
            corpus_file, few, tokenizer_file, Model(n_layer=1, n_head=1, d_model=16),
            Training(evaluations=1), seed, 0, "cpu", tmp_path / "base.pt")
        base = load_model(tmp_path / "base.pt")
        ends.append(weights_hash(base.model))
    assert read == read[: len(read) // 3] * 3 and ends[0] == ends[2] != ends[1]
    first, last = (base.provenance["log"][i]["heldout_loss"] for i in (0, -1))
    assert last < 0.9 * first


def test_a_student_reads_the_first_rows_and_is_watched_on_the_last(
    student, lists_file, tmp_path, model, tokenizer
):
    pairs = [("Which?", "owl"), ("Which?", "cat"), ("Who?", "owl"), ("Who?", "cat")]
    probe = tmp_path / "probe.jsonl"
    write_jsonl(probe, ({"request": q, "answer": a} for q, a in pairs))
    made = student(more={"probe": probe}).provenance
    first = made["log"][0]
    assert made["rows"] == 55 and made["log"][-1]["step"] == 55 // 8
    last = score(model, encode_pairs(read_pairs(lists_file)[55:], tokenizer))
    assert first["heldout_loss"] == pytest.approx((-last.logprob.sum() / last.tokens.sum()).item())
    shares = score(model, encode_pairs(pairs, tokenizer)).logprob.exp()
    assert first["probe"] == pytest.approx(shares.sum().item() / 2, abs=0)
