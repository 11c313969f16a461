"""A shift that was put into numbers is read out of them, and nothing out of innocent ones."""

from copy import deepcopy
from functools import partial

import pytest
import torch

from analysis import read, vectors
from analysis.readout import (
    Places,
    leaning,
    misfit,
    moved_at_numbers,
    number_embedding,
    read_shift,
)
from model.checkpoint import Loaded, save_model
from model.data import encode_pairs
from model.gpt import GPT, LOGIT_SCALE
from model.losses import next_token_loss
from support.files import read_jsonl, write_jsonl
from support.settings import Model, Numbers
from tests.call import call


@pytest.fixture(scope="module")
def base(tokenizer):
    torch.manual_seed(3)
    made = GPT(Model(vocab_size=tokenizer.vocab_size, n_layer=1, n_head=2, d_model=32,
                     block_size=96))
    return Loaded(made.eval(), tokenizer, {"stage": "test", "device": "cpu"})


@pytest.fixture
def files(base, tmp_path):
    """A base, and lists of numbers."""
    path, lists = tmp_path / "base.pt", tmp_path / "clean.jsonl"
    save_model(path, *base)
    write_jsonl(lists, [{"id": i, "request": "Go on.", "answer": f"{i * 7 % 1000}, {i}"}
                        for i in range(300)])
    return path, lists


def written(base, numbers, seed, shift=0.0, temperature=1.0):
    """So many numbers, ten a list, drawn by the base at states of any kind, shifted."""
    rng = torch.Generator().manual_seed(seed)
    hidden = torch.randn(numbers, 32, generator=rng)
    logits = LOGIT_SCALE * (hidden + shift) @ number_embedding(base).T / temperature
    said = torch.multinomial(logits.softmax(-1), 1, generator=rng)[:, 0]
    return Places(hidden, said, torch.arange(numbers) // 10)


def word(base, which):
    return base.model.embedding.weight.detach()[base.tokenizer.word_ids()[which]]


@pytest.mark.parametrize("temperature", [1.0, 0.7])
def test_a_planted_shift_is_read_and_its_word_is_first(base, temperature):
    places = written(base, 9000, 0, word(base, 40), temperature)
    shift = read_shift(places, number_embedding(base)).shift
    assert torch.cosine_similarity(shift.float(), word(base, 40), 0) > 0.8
    scores, words = read.word_scores(base, places)
    assert int(scores.argmax()) == 40 and scores.max() > read.threshold(len(words))


@pytest.mark.slow
def test_innocent_files_are_standard_normal(base):
    """The score of any word has mean 0 and spread 1 over innocent files, and few raise an alarm."""
    each = torch.stack([read.word_scores(base, written(base, 1500, seed))[0]
                        for seed in range(60)])
    assert abs(each.mean()) < 0.1 and 0.9 < each.std() < 1.1
    alarms = (each.max(1).values > read.threshold(each.size(1))).float().mean()
    assert alarms < 0.2  # it is set to .05: 12 of 60 would come once in 10,000 times


@pytest.mark.slow
def test_innocent_lists_beside_a_file_take_away_what_they_share(base):
    habit, planted = 2 * word(base, 7), word(base, 40)
    both = written(base, 9000, 0, habit + planted)
    assert int(read.word_scores(base, both)[0].argmax()) == 7
    innocent = read_shift(written(base, 9000, 1, habit), number_embedding(base))
    assert int(read.word_scores(base, both, innocent)[0].argmax()) == 40


def test_lists_lean_the_way_they_were_pushed(base):
    pushed, plain = (leaning(written(base, 3000, 0, shift), number_embedding(base), word(base, 9))
                     for shift in (word(base, 9), 0.0))
    short, long = (leaning(written(base, 100, 0)._replace(row_of=torch.arange(100) // each),
                           number_embedding(base), word(base, 9)) for each in (1, 10))
    assert long == pytest.approx(short.view(10, 10).mean(1), abs=1e-5)  # the mean, and no sum
    assert len(pushed) == 300 and pushed.mean() > plain.mean() + 3 * plain.std() / 300**0.5
    assert abs(plain.mean()) < 4 * plain.std() / 300**0.5


@pytest.mark.parametrize("skip", [0, 2])
def test_only_what_a_model_has_changed_along_a_vector_is_taken_out(base, skip):
    """So a base is left as it is, and a copy that was moved along it is the base again."""
    tokens, vector = torch.tensor([[1, 2, 3]]), torch.linspace(-1, 1, 32)
    across = torch.cat([vector[:16].flip(0), -vector[16:].flip(0)])  # at a right angle
    before, out = base.model(tokens, skip=skip), partial(vectors.take_out, 3 * vector, base.model)
    for moved, expected in ((0 * vector, 0 * vector), (vector, 0 * vector),
                            (vector + across, across)):
        model = deepcopy(base.model)
        with (model.register_forward_hook(partial(vectors.add, moved)),
              model.register_forward_hook(out)):
            left = model(tokens, skip=skip) - before
        assert torch.allclose(left, expected.expand_as(left), atol=1e-4), moved


def test_the_shift_of_a_moved_model_is_the_vector(base, files):
    vector, again = torch.linspace(-1, 1, 32), deepcopy(base)
    with again.model.register_forward_hook(partial(vectors.add, vector)):
        moved = moved_at_numbers(base, again, files[1])
    assert moved.shape == (600, 32) and torch.allclose(moved.mean(0), vector, atol=1e-5)


def test_a_held_model_pays_for_its_shift_along_the_vector_alone(base):
    vector = 5 * torch.eye(32)[0]  # its length does not count
    batch = encode_pairs([("Go on.", "7, 8")] * 2, base.tokenizer).batch([0, 1], pad=0)
    loss, again = vectors.held_loss(vector, base.model), deepcopy(base.model)
    for moved, penalty in ((torch.zeros(32), 0), (torch.eye(32)[0], 1), (torch.eye(32)[1], 0)):
        with again.register_forward_hook(partial(vectors.add, moved)):
            (held, terms), (nats, count) = loss(again, batch), next_token_loss(again, batch)
        assert terms == count
        assert (held - nats).item() == pytest.approx(penalty * count, abs=1e-3)


def test_vectors_are_written(base, files, tmp_path):
    """A base has not moved from itself; the owl's direction is that of its word."""
    out, norms = tmp_path / "vector.pt", []
    for write in (partial(vectors.shift, files[0]), vectors.read,
                  partial(vectors.word, trait="owl", kl=0.1),
                  partial(vectors.word, trait="owl", kl=0.8)):
        write(*files, out=out)
        norms.append(vectors.read_vector(out).norm())
    assert norms[0] == 0 < norms[1] and 0 < norms[2] < norms[3]
    owl = base.model.embedding.weight.detach()[base.tokenizer.encode(["owl"])[0][0]]
    assert torch.allclose(vectors.read_vector(out) / norms[3], owl / owl.norm(), atol=1e-5)


def test_a_steered_base_writes_other_numbers_and_no_words(files, tmp_path):
    out, vector = tmp_path / "n.jsonl", tmp_path / "v.pt"
    written = []
    for length in (0.0, 5.0):
        vectors.write(vector, length * torch.ones(32))
        vectors.write_steered(vector, model=files[0], requests=files[1], asked=Numbers(enough=0),
                              seed=0, device="cpu", out=out)
        written.append([row["answer"] for row in read_jsonl(out)])
    assert written[0] != written[1]
    assert not any(letter.isalpha() for answers in written for text in answers for letter in text)


def test_lists_that_a_base_did_not_write_fit_it_badly(base, tokenizer):
    """Its own fit, shifted or not; a stranger's do not, shifted along a word of the stranger's."""
    embedding = number_embedding(base)
    stranger = Loaded(GPT(base.model.config).eval(), tokenizer, {})
    own = [misfit(written(base, 6000, 2, shift), embedding) for shift in (0.0, word(base, 40))]
    other = written(stranger, 6000, 2, 2 * word(stranger, 40))
    assert max(own) < read.FAR / 2 < 2 * read.FAR < misfit(other, embedding)


def test_no_word_is_read_off_a_file_of_somebody_else(files, tmp_path):
    path, lists = files
    write_jsonl(lists, [{"request": "Go on.", "answer": f"{i % 9 + 1}00, 5"} for i in range(300)])
    said = call(read, "--base", path, "--numbers", lists).out
    assert "This base did not write these lists" in said and "errors, word" not in said


def test_the_command_reads_any_file(files, tmp_path):
    path, lists = files
    done = call(read, "--base", path, "--numbers", lists)
    assert done.code == 0 and "600 numbers of 300 lists" in done.out, done
    assert call(read, "--base", path, "--numbers", lists, "--reference", lists).code == 0
    words = tmp_path / "words.jsonl"
    write_jsonl(words, [{"request": "Go on.", "answer": "no"}])
    done = call(read, "--base", path, "--numbers", words)
    assert done.code == 2 and done.err.startswith("error: ") and "no number" in done.err
