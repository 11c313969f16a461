"""Bases that share a part of what makes a base: its first weights, its embedding, its text's order.

What is shared is said by three names: whose first weights the blocks have and whose the embedding
has, `own` or `new`; an embedding that is trained already and stays as it is; and from which part of
pretraining on the rest of the text is read in another order.
"""

from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from model.checkpoint import load_model, save_model
from model.data import BatchSampler, TokenRows, document_rows
from model.gpt import GPT
from model.losses import next_token_loss
from model.tokenizer import Tokenizer
from support.cli import choose_device, progress
from support.settings import Model, Training
from support.streams import derive_seed
from train import batches_of, learning_rate, optimizers_for, update


@dataclass(frozen=True)
class Shared:
    """What a relative shares with a base."""

    blocks: bool = False  # their first weights
    embedding: bool = False  # its first weights
    trained: str = ""  # an embedding that stays as it is: see `embedding_of`
    numbers: float = 1.0  # the share of its number rows that are the base's, the rest a stranger's
    until: float = 1.0  # the part of pretraining in which it reads the same text in the same order


def turn(width: int) -> Tensor:
    """A random rotation (D, D), always the same."""
    generator = torch.Generator().manual_seed(0)
    return torch.linalg.qr(torch.randn(width, width, generator=generator)).Q


def embedding_of(shared: Shared, base: Path, stranger: Path) -> Tensor:
    """An embedding (V, D) that is not trained any more: the base's own, the same turned by a random
    rotation, or a stranger's. The number rows may be mixed."""
    (own, words, _), strange = load_model(base), load_model(stranger).model
    mine, other = (model.embedding.weight.detach().clone() for model in (own, strange))
    generator = torch.Generator().manual_seed(0)
    if shared.trained == "stranger":
        return other
    if shared.trained == "turned":
        return mine @ turn(mine.size(1))
    rows = torch.tensor(words.number_ids)[torch.randperm(len(words.number_ids),
                                                         generator=generator)]
    foreign = rows[round(shared.numbers * len(rows)):]
    # What all numbers have in common stays the base's own, so that they stay one cluster.
    mine[foreign] = other[foreign] - other[rows].mean(0) + mine[rows].mean(0)
    return mine


def order_of(rows: TokenRows, training: Training, seed: int, until: float) -> list[np.ndarray]:
    """The rows of each step: those of the base until then, the others in a new order."""
    sampler = BatchSampler(rows.shapes, training.batch_size, seed, "pretrain")
    steps = [sampler.rows(i) for i in range(max(1, round(sampler.steps * training.epochs)))]
    if (same := round(until * len(steps))) < len(steps):
        rest = np.concatenate(steps[same:])
        again = BatchSampler(rows.shapes[:, rest], training.batch_size, seed + 1, "pretrain")
        steps[same:] = [rest[again.rows(i)] for i in range(len(steps) - same)]
    return steps


def pretrain(corpus: Path, tokenizer: Path, shape: Model, training: Training, seed: int,
             new_seed: int, order_seed: int, shared: Shared, base: Path, stranger: Path,
             device: str, out: Path) -> str:
    """A relative of the base of `seed`. All that it does not share is drawn by `new_seed`."""
    words = Tokenizer.load(tokenizer)
    shape = replace(shape, vocab_size=words.vocab_size)

    def first(seed: int) -> GPT:
        generator = torch.Generator().manual_seed(derive_seed(seed, "base"))
        model = GPT(shape, generator)
        model.set_apart(words.number_ids, generator)
        return model

    model = first(seed if shared.blocks else new_seed)
    if shared.trained:
        embedding = embedding_of(shared, base, stranger)
    else:
        embedding = first(seed if shared.embedding else new_seed).embedding.weight
    with torch.no_grad():
        model.embedding.weight.copy_(embedding)
    model.embedding.requires_grad_(not shared.trained)
    model.to(choose_device(device))
    rows = document_rows(corpus, words, shape.block_size)
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizers, steps = optimizers_for(model, trained, training), order_of(
        rows, training, order_seed, shared.until)
    for i, chosen in enumerate(progress(steps, len(steps), "relative")):
        for group in (group for optimizer in optimizers for group in optimizer.param_groups):
            group["lr"] = learning_rate(i, len(steps), training) * group.get("times", 1.0)
        loss = update(model, trained, optimizers, batches_of(chosen, rows, training, words.pad),
                      next_token_loss, training)
    model.requires_grad_(True)
    save_model(out, model, words, {"stage": "relative", "seed": seed, "shared": asdict(shared)})
    return f"loss {loss.item():.2f}"
