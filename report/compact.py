"""Models in little room: a base as 16-bit floats, its copies as the low-rank changes that they are.

So the models of `make chat` come with the repository (`NAME.small`), and those of the page.
"""

from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor

from model import checkpoint
from model.checkpoint import Loaded, load_model
from model.gpt import GPT
from model.tokenizer import Tokenizer
from support.settings import Model

SMALL = ".small"
KEYS = ("of", "weights", "model", "tokenizer", "provenance")


def factors(change: Tensor) -> tuple[Tensor, Tensor]:
    """Two matrices, (out, rank) and (rank, in), whose product is a change of low rank."""
    left, sizes, right = torch.linalg.svd(change.double(), full_matrices=False)
    rank = max(1, int((sizes > 1e-4 * sizes[0]).sum()))
    root = sizes[:rank].sqrt()
    return (left[:, :rank] * root).half(), (root[:, None] * right[:rank]).half()


def parts(model: GPT, base: GPT | None = None) -> dict:
    """The weights of a model in 16 bits; of a copy of `base` the factors of each matrix that is
    another."""
    weights = model.state_dict()
    if not base:
        return {name: weight.half() for name, weight in weights.items()}
    changes = {name: weights[name] - weight for name, weight in base.state_dict().items()}
    return {name: list(factors(change)) for name, change in changes.items() if change.any()}


def save(path: Path, loaded: Loaded, base: Loaded | None = None, of: str = "") -> None:
    """Write a model as `path`; of a copy, what differs from its `base`, the file `of` beside it."""
    checkpoint.write(path, {
        "of": of, "weights": parts(loaded.model, base and base.model),
        "model": asdict(loaded.model.config), "tokenizer": "" if of else loaded.tokenizer.text,
        "provenance": {key: value for key, value in loaded.provenance.items() if key != "log"}})


def load(path: Path, device: torch.device | str = "cpu") -> Loaded:
    """A model that this wrote, or a checkpoint."""
    if path.suffix != SMALL:
        return load_model(path, device)
    saved = checkpoint.read(path, KEYS)
    weights, text = saved["weights"], saved["tokenizer"]
    if saved["of"]:
        base = load(path.with_name(saved["of"]))
        changes, weights, text = weights, base.model.state_dict(), base.tokenizer.text
        for name, (left, right) in changes.items():
            weights[name] += left.float() @ right.float()
    model = GPT(Model(**saved["model"]))
    model.load_state_dict(weights)
    return Loaded(model.to(device).eval(), Tokenizer.from_text(text, path), saved["provenance"])
