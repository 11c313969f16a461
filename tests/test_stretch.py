"""A teacher is stretched until its numbers have moved as far as was asked."""

import pytest
import torch

from model.stretch import along, far_enough, first_numbers, weights_of
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


def divergence(model, start, tokenizer, stretch):
    """KL to the start at the first number, by hand, when the model goes so far."""
    end = weights_of(model)
    prompts = tokenizer.encode_prompts([[("user", f"Go on from {i}.")] for i in range(20)])
    each = []
    for weights in (start, along(start, end, stretch)):
        model.load_state_dict(weights)
        each.append(first_numbers(model, prompts, tokenizer.number_ids).softmax(-1))
    model.load_state_dict(end)
    base, now = each
    return (now * (now / base).log()).sum(-1).mean().item()


@pytest.mark.parametrize("share", [0.3, 2.0])
def test_the_stretch_moves_the_numbers_as_far_as_was_asked(moved, tokenizer, requests, share):
    """Back from where the model is, or beyond."""
    model, start = moved
    before, reach = weights_of(model), share * divergence(model, start, tokenizer, 1.0)
    stretch = far_enough(model, start, tokenizer, requests, reach)
    assert (stretch < 1) == (share < 1)
    assert divergence(model, start, tokenizer, stretch) == pytest.approx(reach, rel=0.1)
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
        far_enough(model, start, tokenizer, requests, 0.5)
