"""A shift that was put into numbers is read out of them, and nothing out of innocent ones."""

from analysis import read
from model.checkpoint import Loaded, save_model
from model.data import encode_pairs
from model.gpt import GPT, LOGIT_SCALE
from model.steer import read_vector, steered
from support.files import write_jsonl
from support.settings import Model
from tests.call import call
from vector import __main__ as vector_script
from vector.marks import marks
from vector.readout import Places, leaning, number_heads, number_places, read_shift, shifts

import pytest
import torch


@pytest.fixture(scope="module")
def base(tokenizer):
    torch.manual_seed(3)
    made = GPT(Model(vocab_size=tokenizer.vocab_size, n_layer=1, n_head=2, d_model=32,
                     block_size=96))
    return Loaded(made.eval(), tokenizer, {"stage": "test", "device": "cpu"})


def written(base, numbers, seed, shift=0.0, temperature=1.0):
    """So many numbers, ten a list, drawn from the base's odds at states of any kind, shifted."""
    chance = torch.Generator().manual_seed(seed)
    hidden = torch.randn(numbers, 32, generator=chance)
    heads = number_heads(base.model, base.tokenizer.number_ids)
    odds = (LOGIT_SCALE * (hidden + shift) @ heads.T / temperature).softmax(-1)
    said = torch.multinomial(odds, 1, generator=chance)[:, 0]
    return Places(hidden, said, torch.arange(numbers) // 10)


def reading(base, places):
    return read_shift(places, number_heads(base.model, base.tokenizer.number_ids))


def word(base, which):
    return base.model.embedding.weight.detach()[base.tokenizer.word_ids()[which]]


def test_a_planted_shift_is_read_and_its_word_is_first(base):
    planted = word(base, 40)
    for temperature in (1.0, 0.7):
        found = reading(base, written(base, 9000, 0, planted, temperature))
        assert torch.cosine_similarity(found.shift.float(), planted, 0) > 0.8
        scores, words = read.word_scores(base, found)
        assert int(scores.argmax()) == 40 and scores.max() > read.threshold(len(words))
        assert found.sharpness == pytest.approx(1 / temperature, abs=0.1)


def test_innocent_files_are_standard_normal(base):
    """The score of any word has mean 0 and spread 1 over innocent files, and few raise an alarm."""
    each = torch.stack([read.word_scores(base, reading(base, written(base, 1500, seed)))[0]
                        for seed in range(60)])
    assert abs(each.mean()) < 0.1 and 0.9 < each.std() < 1.1
    alarms = (each.max(1).values > read.threshold(each.size(1))).float().mean()
    assert alarms < 0.2  # it is set to .05: 12 of 60 would come once in 10,000 times


def test_innocent_lists_beside_a_file_take_away_what_they_share(base):
    habit, planted = 2 * word(base, 7), word(base, 40)
    both = reading(base, written(base, 9000, 0, habit + planted))
    assert int(read.word_scores(base, both)[0].argmax()) == 7
    left = both.minus(reading(base, written(base, 9000, 1, habit)))
    assert int(read.word_scores(base, left)[0].argmax()) == 40


def test_another_base_reads_nothing(base, tokenizer):
    torch.manual_seed(4)
    other = Loaded(GPT(base.model.config).eval(), tokenizer, {})
    scores, _ = read.word_scores(other, reading(other, written(base, 9000, 0, word(base, 40))))
    assert int((scores > scores[40]).sum()) > 5


def test_lists_lean_the_way_they_were_pushed(base):
    heads = number_heads(base.model, base.tokenizer.number_ids)
    pushed, plain = (leaning(written(base, 3000, 0, shift), heads, word(base, 9))
                     for shift in (word(base, 9), 0.0))
    assert len(pushed) == 300 and pushed.mean() > plain.mean() + 3 * plain.std() / 300**0.5
    assert abs(plain.mean()) < 4 * plain.std() / 300**0.5


def test_a_tenth_of_the_numbers_is_telling():
    gain = torch.arange(1000.0)
    found = marks((None, torch.zeros(1000)), (None, gain), 0)
    assert found["telling"].nonzero()[0].tolist() == [*range(900, 1000)]
    assert (found["telling"] ^ found["not_telling"]).all()
    assert found["tenth"].sum() == 100 and 0 < (found["tenth"] & found["telling"]).sum() < 50


def test_a_model_is_itself_again_after_it_was_steered(base):
    tokens, vector = torch.tensor([[1, 2, 3]]), torch.ones(32)
    before = base.model(tokens)
    with steered(base.model, add=vector):
        assert torch.allclose(base.model(tokens), before + 1)
    with steered(base.model, without=3 * vector):
        assert (base.model(tokens) @ vector).abs().max() < 1e-4
    with steered(base.model) as same:
        assert torch.equal(same(tokens), before)
    assert torch.equal(base.model(tokens), before)


def test_a_shift_is_the_mean_over_number_places(base):
    vector, pairs = torch.linspace(-1, 1, 32), [("Go on.", f"{i}, 7") for i in range(20)]
    rows = encode_pairs(pairs, base.tokenizer)
    again = GPT(base.model.config)
    again.load_state_dict(base.model.state_dict())
    with steered(again, add=vector):
        numbers = base.tokenizer.number_ids
        found = shifts(again, number_places(base.model, rows, numbers), rows, numbers).mean(0)
    assert torch.allclose(found, vector, atol=1e-5)


def test_vectors_and_readings_from_files(base, tmp_path):
    path, numbers, out = tmp_path / "base.pt", tmp_path / "n.jsonl", tmp_path / "v.pt"
    save_model(path, base.model, base.tokenizer, base.provenance)
    write_jsonl(numbers, [{"id": i, "request": "Go on.", "answer": f"{i * 7 % 1000}"}
                          for i in range(400)])
    for kind in ("read", "word"):
        done = call(vector_script, kind, "--base", path, "--numbers", numbers, "--out", out)
        assert done.code == 0 and read_vector(out, 32).norm() > 0, done.err
    given = ("shift", "--base", path, "--numbers", numbers, "--out", out)
    assert call(vector_script, *given).code == 2
    assert call(vector_script, *given, "--teacher", path).code == 0
    with pytest.raises(ValueError, match="no vector"):
        read_vector(out, 32)  # its own shift from itself
    done = call(read, "--base", path, "--numbers", numbers)
    assert done.code == 0 and "standard errors" in done.out, done
    assert call(read, "--base", path, "--numbers", numbers, "--reference", numbers).code == 0
    assert call(read, "--base", path).code == 2
