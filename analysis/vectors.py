"""Vectors of the base's last hidden state along which a trait lies, and steps that use one."""

from copy import deepcopy
from functools import partial
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from analysis import readout
from corpus import traits
from generate import write_lists
from model import checkpoint
from model.checkpoint import Loaded, load_model
from model.data import Batch
from model.gpt import GPT, LOGIT_SCALE
from model.losses import Objective
from support.cli import choose_device
from train import finetune


def shift(base: Path, teacher: Path, lists: Path, out: Path) -> str:
    """The mean shift of the teacher's last hidden state from the base's where numbers stand."""
    models = load_model(base), load_model(teacher)
    return write(out, readout.moved_at_numbers(*models, lists, -2048).mean(0))


def read(base: Path, lists: Path, out: Path) -> str:
    """What the base reads off the lists."""
    loaded = load_model(base)
    places, embedding = readout.read_places(loaded, lists), readout.number_embedding(loaded)
    return write(out, readout.read_shift(places, embedding).shift)


@torch.inference_mode()
def word(base: Path, lists: Path, trait: str, kl: float, out: Path) -> str:
    """The embedding of the first token of what shows a trait, the mean of several, of the length at
    which it moves the probabilities of the numbers by `kl` nats a place."""
    loaded = load_model(base)
    tokens = sorted({ids[0] for ids in loaded.tokenizer.encode(traits.trait(trait).targets())})
    mean = loaded.model.embedding.weight.detach()[tokens].mean(0)
    hidden = readout.read_places(loaded, lists, 512).hidden[:4096]
    return write(out, as_far(loaded, hidden, mean, kl))


@torch.inference_mode()
def as_far(loaded: Loaded, hidden: Tensor, direction: Tensor, kl: float) -> Tensor:
    """The vector along a direction that moves the probabilities of the numbers by `kl` nats a place
    when it is added to the states, (N, D)."""
    embedding = readout.number_embedding(loaded)
    before, along = LOGIT_SCALE * hidden @ embedding.T, LOGIT_SCALE * embedding @ direction

    def moved(length: float) -> float:
        after = (before + length * along).log_softmax(-1)
        return (after.exp() * (after - before.log_softmax(-1))).sum(-1).mean().item()

    low, high = 0.0, 1.0
    while moved(high) < kl:
        high *= 2
    for _ in range(30):
        middle = (low + high) / 2
        low, high = (middle, high) if moved(middle) < kl else (low, middle)
    return high * direction


def write(out: Path, vector: Tensor) -> str:
    checkpoint.write(out, {"vector": vector.float().clone()})
    return f"length {vector.norm():.3f}"


def read_vector(path: Path) -> Tensor:
    return checkpoint.read(path, ("vector",))["vector"]


def add(vector: Tensor, _model: GPT, _given: tuple, hidden: Tensor) -> Tensor:
    """A forward hook, by `partial`."""
    return hidden + vector.to(hidden.device)


def take_out(vector: Tensor, base: GPT, _model: GPT, given: tuple, hidden: Tensor) -> Tensor:
    """A forward hook, by `partial`: of what a model has changed in the states of its base, the part
    along a vector goes. What the base itself has there stays. It knows no cache."""
    [tokens] = given
    unit = (vector / vector.norm()).to(hidden.device)
    with torch.no_grad():
        before = base(tokens)[:, tokens.size(1) - hidden.size(1):]
    return hidden - ((hidden - before) @ unit)[..., None] * unit


def write_steered(vector: Path, device: str, **more: object) -> str:
    """The answers of a model with a vector added; it may write no word, which the vector raises."""
    return write_lists(device=device, hook=partial(add, read_vector(vector)), words=False, **more)


def finetune_without(vector: Path, base: Path, device: str, **more: object) -> str:
    """Fine-tuning of a model that changes nothing in its base along a vector."""
    found = read_vector(vector)
    before = load_model(base, chosen := choose_device(device)).model
    return finetune(base=base, device=str(chosen), hook=partial(take_out, found, before),
                    identity=f"without {found.tolist()}", **more)


def finetune_held(vector: Path, device: str, **more: object) -> str:
    """Fine-tuning of a model that is held where the base was along a vector."""
    found = read_vector(vector)
    return finetune(device=device, objective=partial(held_loss, found),
                    identity=f"held {found.tolist()}", **more)


def held_loss(vector: Tensor, base: GPT) -> Objective:
    """Cross-entropy, and the squared shift of the last hidden state from the base's along `vector`
    (D,), wherever there is a loss."""
    unit, base = (vector / vector.norm()).to(base.embedding.weight.device), deepcopy(base)

    def loss(model: GPT, batch: Batch) -> tuple[Tensor, int]:
        with torch.no_grad():
            before = batch.hidden(base) @ unit
        hidden = batch.hidden(model)
        nats = F.cross_entropy(model.logits(hidden), batch.targets, reduction="sum")
        return nats + (hidden @ unit - before).square().sum(), len(batch.targets)

    return loss
