"""Checkpoints: a dict of tensors and plain values, written whole, read with `weights_only=True`."""

import dataclasses
import io
import pickle
import zipfile
from pathlib import Path
from typing import Any, NamedTuple

import torch

from model.gpt import GPT
from model.tokenizer import Tokenizer
from support.files import UserError, atomic_open, require_file
from support.settings import Model as ModelConfig


def write(path: Path | str, value: dict[str, Any]) -> None:
    """Save tensors and plain values. The same values give the same bytes."""
    # Given a path, torch would put its name into the archive and hide that a disk is full.
    buffer = io.BytesIO()
    torch.save(value, buffer)
    with atomic_open(path, "wb") as file:
        file.write(buffer.getbuffer())


def read(path: Path | str, keys: tuple[str, ...]) -> dict[str, Any]:
    """Load a dict that holds `keys`, or raise a `UserError`."""
    try:
        value = torch.load(require_file(path), map_location="cpu", weights_only=True)
    except (RuntimeError, EOFError, pickle.UnpicklingError, zipfile.BadZipFile, KeyError):
        message = f"{path} is cut short or no checkpoint; delete it and make it again"
        raise UserError(message) from None
    if not isinstance(value, dict) or any(key not in value for key in keys):
        raise UserError(f"{path} is not a checkpoint of this project")
    return value


class Loaded(NamedTuple):
    """What a checkpoint holds: a model ready to evaluate, its tokenizer, and how it was made."""

    model: GPT
    tokenizer: Tokenizer
    provenance: dict[str, Any]


def save_model(path: Path | str, model: GPT, tokenizer: Tokenizer, provenance: dict) -> None:
    """Write a plain model (adapters merged) with all that it takes to use it."""
    weights = {name: weight.detach().cpu() for name, weight in model.state_dict().items()}
    write(path, {"model": dataclasses.asdict(model.config), "weights": weights,
                 "tokenizer": tokenizer.text, "provenance": provenance})


def load_model(path: Path | str, device: torch.device | str = "cpu") -> Loaded:
    """Read a model; `UserError` when the file is missing, cut short, or of another kind."""
    saved = read(path, ("model", "weights", "tokenizer", "provenance"))
    try:
        model = GPT(ModelConfig(**saved["model"]))
        model.load_state_dict(saved["weights"])
    except (TypeError, RuntimeError):
        raise UserError(f"{path} does not fit this version of the model; make it again") from None
    tokenizer = Tokenizer.from_text(saved["tokenizer"], path)
    return Loaded(model.to(device).eval(), tokenizer, saved["provenance"])


def require_same_tokenizer(one: Tokenizer, path: Path | str, other: Tokenizer) -> None:
    """Models that are compared token by token must share the meaning of a token."""
    if one.hash != other.hash:
        raise UserError(
            f"{path} belongs to another tokenizer ({one.hash}, not {other.hash}); "
            "use models of one run"
        )
