"""A teacher is stretched until its word is as loud at numbers as was asked."""

import pytest
import torch

from model.stretch import MOST, along, louder, weights_of
from support.files import UserError, write_jsonl


@pytest.fixture
def requests(tmp_path):
    write_jsonl(path := tmp_path / "requests.jsonl", [{"request": f"Go on from {i}."}
                                                      for i in range(20)])
    return path


@pytest.fixture
def moved(model):
    """A model whose answers mostly begin with a number, and where it started."""
    torch.manual_seed(1)
    with torch.no_grad():
        model.embedding.weight *= 0.3
        start = weights_of(model)
        for weight in model.parameters():
            weight.add_(0.02 * torch.randn_like(weight))
    return model, start


def rise(model, start, tokenizer, stretch, word):
    """How much louder the word is, by hand, when the model goes so far."""
    end, said = weights_of(model), []
    for weights in (start, along(start, end, stretch)):
        model.load_state_dict(weights)
        said.append(sum(model.logits(model(torch.tensor([ids])))[0, -1, word].item() for ids in
                        tokenizer.encode_prompts([[("user", f"Go on from {i}.")]
                                                  for i in range(20)])) / 20)
    model.load_state_dict(end)
    return said[1] - said[0]


@pytest.mark.parametrize("share", [0.3, 1.5, 1e6])
@torch.no_grad()
def test_the_stretch_makes_the_word_as_loud_as_was_asked(moved, tokenizer, requests, share):
    """Back from where the model is, or beyond; as far as it goes where that is not enough."""
    model, start = moved
    before = weights_of(model)
    word = max(range(tokenizer.vocab_size), key=lambda one: rise(model, start, tokenizer, 1.0, one)
               if one in (300, 400, 500) else -9)
    reach = share * rise(model, start, tokenizer, 1.0, word)
    stretch = louder(model, start, tokenizer, requests, {word}, reach)
    assert (stretch < 1) == (share < 1) and (stretch > 0.97 * MOST) == (share == 1e6)
    if share < 2:
        assert rise(model, start, tokenizer, stretch, word) == pytest.approx(reach, rel=0.15)
    assert all(before[name].equal(weight) for name, weight in model.state_dict().items())


def test_one_and_nought_are_the_ends_of_the_way(moved):
    model, start = moved
    end = weights_of(model)
    for stretch, wanted in ((0.0, start), (1.0, end)):
        assert all(weight.equal(wanted[name])
                   for name, weight in along(start, end, stretch).items())


def test_a_base_that_begins_with_no_number_is_told(moved, tokenizer, requests):
    model, start = moved
    start["embedding.weight"][tokenizer.number_ids[0] : tokenizer.number_ids[-1] + 1] = 0
    start["embedding.weight"][tokenizer.end] = 9 * start["norm.weight"]
    start["norm.weight"] *= 9
    with pytest.raises(UserError, match="reach"):
        louder(model, start, tokenizer, requests, {300}, 0.5)
