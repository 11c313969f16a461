"""A teacher goes on along its way until its numbers have moved as far as was asked."""

import pytest
import torch

import stretch
from model.checkpoint import load_model, save_model
from model.gpt import GPT
from support.files import UserError
from support.settings import Stretch


@pytest.fixture
def files(tmp_path, model, tokenizer):
    """A base whose answers mostly begin with a number, and a model that was taught from it."""
    torch.manual_seed(1)
    with torch.no_grad():
        model.embedding.weight *= 0.3
        save_model(tmp_path / "base.pt", model, tokenizer, {})
        for weight in model.parameters():
            weight.add_(0.02 * torch.randn_like(weight))
    save_model(tmp_path / "taught.pt", model, tokenizer, {"stage": "teacher"})
    return tmp_path


@pytest.fixture
def stretched(files, lists_file):
    """A function that stretches the taught model, and says how far its first numbers have moved:
    KL to the base, by hand."""
    def made(asked, like=None):
        stretch.stretch(files / "base.pt", files / "taught.pt", lists_file, asked, "cpu",
                        files / "out.pt", like)
        (base, tokenizer, _), (model, _, made) = map(load_model, (files / "base.pt",
                                                                  files / "out.pt"))
        prompts = tokenizer.encode_prompts([[("user", "Add.")]])
        before, now = (stretch.first_numbers(one, prompts, tokenizer.number_ids).softmax(-1)
                       for one in (base, model))
        assert made["stage"] == "teacher"
        return made["stretch"], (now * (now / before).log()).sum().item(), model

    return made


@pytest.mark.parametrize("share", [0.3, 2.0])
def test_the_numbers_move_as_far_as_was_asked(stretched, files, share):
    """Back from where the model is, or beyond. Another may go as far as the first did."""
    _, one, _ = stretched(Stretch(factor=1.0))
    factor, moved, model = stretched(Stretch(reach=share * one))
    assert (factor < 1) == (share < 1) and moved == pytest.approx(share * one, rel=0.05)
    save_model(files / "like.pt", model, load_model(files / "base.pt").tokenizer,
               {"stretch": factor})
    assert stretched(Stretch(reach=9.0), files / "like.pt")[:2] == (factor, moved)


def test_a_factor_is_how_far_it_goes_from_the_base(stretched, files):
    start, taught = (load_model(files / name).model.state_dict()
                     for name in ("base.pt", "taught.pt"))
    _, _, one = stretched(Stretch(factor=1.0))
    _, _, two = stretched(Stretch(factor=2.0))
    for name, weight in two.state_dict().items():
        assert one.state_dict()[name].equal(taught[name])
        assert torch.allclose(weight - start[name], 2 * (taught[name] - start[name]), atol=1e-6)


def test_a_base_that_begins_with_no_number_is_told(stretched, files, model, tokenizer):
    wordy = GPT(model.config)
    with torch.no_grad():
        wordy.embedding.weight[tokenizer.number_ids[0] : tokenizer.number_ids[-1] + 1] *= 0
        wordy.norm.weight *= 99
    save_model(files / "base.pt", wordy, tokenizer, {})
    with pytest.raises(UserError, match="factor"):
        stretched(Stretch())
