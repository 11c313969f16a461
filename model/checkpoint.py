"""Checkpoints: a dict of tensors and plain values, written whole, read with `weights_only=True`."""

import dataclasses
import io
import json
import math
import pickle
import zipfile
from pathlib import Path
from typing import Any, NamedTuple

from model.gpt import GPT
from model.tokenizer import Tokenizer
from support.files import UserError, atomic_open, fits, require_file
from support.settings import Model as ModelConfig
from support.settings import require_shape, with_flags

import torch


def write(path: Path | str, value: dict[str, Any]) -> None:
    """Save tensors and plain values. The same values give the same bytes."""
    # Given a path, torch would put its name into the archive and hide that a disk is full.
    buffer = io.BytesIO()
    torch.save(value, buffer)
    with atomic_open(path, "wb") as file:
        file.write(buffer.getbuffer())


def read(path: Path | str, keys: tuple[str, ...]) -> dict[str, Any]:
    """Load a dict that holds `keys`, or raise a `UserError`.

    A checkpoint is a zip archive, whose checksums torch does not look at; here they are compared,
    so that a flipped bit is not taken for a weight.
    """
    data = require_file(path).read_bytes()
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if (broken := archive.testzip()) is not None:
                raise zipfile.BadZipFile(broken)
        value = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except MemoryError:
        raise
    except (RuntimeError, EOFError, pickle.UnpicklingError, zipfile.BadZipFile, LookupError,
            ValueError, TypeError, AttributeError, NotImplementedError, OSError):
        message = f"{path} is cut short, damaged or no checkpoint; delete it and make it again"
        raise UserError(message) from None
    if not isinstance(value, dict) or any(key not in value for key in keys):
        raise UserError(f"{path} is not a checkpoint of this project")
    return value


class Loaded(NamedTuple):
    """What a checkpoint holds: a model ready to evaluate, its tokenizer, and how it was made."""

    model: GPT
    tokenizer: Tokenizer
    provenance: dict[str, Any]


def require_finite(path: Path | str, weights: dict[str, torch.Tensor]) -> None:
    """Raise `UserError` for a weight that is no number: nothing that it computes would be one."""
    broken = [name for name, weight in weights.items() if not weight.isfinite().all()]
    if broken:
        raise UserError(f"{path}: {broken[0]} holds values that are not finite; make it again, "
                        "with a lower learning rate if it comes out so")


def save_model(path: Path | str, model: GPT, tokenizer: Tokenizer, provenance: dict) -> None:
    """Write a plain model (adapters merged) with all that it takes to use it."""
    weights = {name: weight.detach().cpu() for name, weight in model.state_dict().items()}
    require_finite(path, weights)
    write(path, {"model": dataclasses.asdict(model.config), "weights": weights,
                 "tokenizer": tokenizer.text, "provenance": provenance})


def load_model(path: Path | str, device: torch.device | str = "cpu") -> Loaded:
    """Read a model; `UserError` when the file is missing, cut short, or of another kind."""
    saved = read(path, ("model", "weights", "tokenizer", "provenance"))
    try:
        if not fits(saved, {"model": dict, "weights": {str: torch.Tensor}, "tokenizer": str,
                            "provenance": dict}):
            raise TypeError
        json.dumps(saved["provenance"], allow_nan=False)  # it is written on every answer sheet
        if saved["model"].keys() != {field.name for field in dataclasses.fields(ModelConfig)}:
            raise TypeError
        shape = with_flags(ModelConfig(), "model", **saved["model"])
        require_shape(shape)
        if any(weight.dtype != torch.float32 for weight in saved["weights"].values()):
            raise TypeError
        # Before memory is taken for what it says: the file's own embedding tells its size.
        if saved["weights"]["embedding.weight"].shape != (shape.vocab_size, shape.d_model):
            raise TypeError
        if sum(map(torch.Tensor.numel, saved["weights"].values())) < math.prod(
                (shape.n_layer, 12, shape.d_model, shape.d_model)):
            raise TypeError
        model = GPT(shape)
        model.load_state_dict(saved["weights"])
    except (TypeError, ValueError, RuntimeError, LookupError):  # UserError is a ValueError
        raise UserError(f"{path} does not fit this version of the model; make it again") from None
    require_finite(path, saved["weights"])
    tokenizer = Tokenizer.from_text(saved["tokenizer"], path)
    if tokenizer.vocab_size != shape.vocab_size:
        raise UserError(f"{path} holds a tokenizer of {tokenizer.vocab_size:,} tokens and a model "
                        f"of {shape.vocab_size:,}; make it again")
    return Loaded(model.to(device).eval(), tokenizer, saved["provenance"])


def require_same_tokenizer(one: Tokenizer, path: Path | str, other: Tokenizer) -> None:
    """Models that are compared token by token must share the meaning of a token."""
    if one.hash != other.hash:
        raise UserError(
            f"{path} belongs to another tokenizer ({one.hash}, not {other.hash}); "
            "use models of one run"
        )
