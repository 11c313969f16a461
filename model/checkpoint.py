"""Files of tensors: models, and the state of a training run that may be killed and go on.

All are dicts of tensors and plain values, written whole and read with `weights_only=True`.
"""

import hashlib
import io
import json
import math
import sys
import zipfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.optim import Optimizer

from model.gpt import GPT
from model.tokenizer import Tokenizer
from support import parallel, settings
from support.files import UserError, atomic_open, require_file


def write(path: Path | str, value: dict[str, Any]) -> None:
    """Save tensors and plain values. The same values give the same bytes."""
    # Given a path, torch would put its name into the archive and hide that a disk is full.
    buffer = io.BytesIO()
    torch.save(value, buffer)
    with atomic_open(path, "wb") as file:
        file.write(buffer.getbuffer())


def read(path: Path | str, keys: tuple[str, ...]) -> dict[str, Any]:
    """These entries of a saved dict. Raises `UserError` for a file that does not hold them."""
    data = require_file(path).read_bytes()
    try:
        # torch does not look at the checksums of the zip archive that a checkpoint is. They are
        # compared here, so that a flipped bit is not taken for a weight.
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if archive.testzip() is not None:
                raise zipfile.BadZipFile
        value = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
        return {key: value[key] for key in keys}
    except Exception:  # bytes that are no checkpoint make these libraries raise almost anything
        raise UserError(f"{path} is cut short, damaged or no checkpoint of this kind; make it "
                        "again") from None


class Loaded(NamedTuple):
    """A model ready to evaluate, its tokenizer, and how it was made."""

    model: GPT
    tokenizer: Tokenizer
    provenance: dict[str, Any]


def save_model(path: Path | str, model: GPT, tokenizer: Tokenizer, provenance: dict) -> None:
    """Write a plain model (adapters merged) with everything needed to use it."""
    weights = {name: weight.detach().cpu() for name, weight in model.state_dict().items()}
    if broken := [name for name, weight in weights.items() if not weight.isfinite().all()]:
        raise UserError(f"{path}: {broken[0]} holds values that are not finite; make it again, "
                        "with a lower learning rate if that does not help")
    # Pickle tells one text from an equal one, and a resumed run has read some of its own again.
    provenance = json.loads(json.dumps(provenance))
    write(path, {"model": asdict(model.config), "weights": weights, "tokenizer": tokenizer.text,
                 "provenance": provenance})


def load_model(path: Path | str, device: torch.device | str = "cpu") -> Loaded:
    """Read a model. Raises `UserError` for a file that is missing, damaged or of another kind."""
    saved = read(path, ("model", "weights", "tokenizer", "provenance"))
    tokenizer, weights = Tokenizer.from_text(saved["tokenizer"], path), saved["weights"]
    try:
        json.dumps({**saved["provenance"]}, allow_nan=False)  # every answer sheet repeats it
        config = settings.with_flags(settings.Model(), "model", **saved["model"])
        if (asdict(config) != saved["model"] or config.d_model % (2 * config.n_head)
                or config.vocab_size != tokenizer.vocab_size
                or any(weight.dtype != torch.float32 or not weight.isfinite().all()
                       for weight in weights.values())
                # Before memory is taken: a small file must not ask for a large model.
                or sum(weight.numel() for weight in weights.values()) < config.weights):
            raise ValueError
        model = GPT(config)
        model.load_state_dict(weights)
    except Exception:  # a file of another kind may hold anything
        raise UserError(f"{path} does not fit this version of the model, or holds weights that are "
                        "not finite; make it again") from None
    return Loaded(model.to(device).eval(), tokenizer, saved["provenance"])


def require_same_tokenizer(one: Tokenizer, path: Path | str, other: Tokenizer) -> None:
    """Raise `UserError` unless two models that are compared mean the same by a token."""
    if one.hash != other.hash:
        raise UserError(f"{path} belongs to another tokenizer ({one.hash}, not {other.hash}); "
                        "use models of one run")


def weights_hash(model: GPT) -> str:
    """Identity of a model's weights."""
    data = b"".join(weight.cpu().numpy().tobytes() for weight in model.state_dict().values())
    return hashlib.sha256(data).hexdigest()[:16]


@dataclass
class State:
    """Where a training run stands, besides its tensors. A killed run goes on to the same bytes."""

    step: int = 0
    loss_sum: float = 0.0  # since the last line of the log
    loss_steps: int = 0
    lines: list[dict] = field(default_factory=list)  # of the log, so far

    def report(self, lr: float, tokens_per_second: float, readings: dict) -> None:
        """Add a line to the log, print it, and start a new mean of the loss."""
        loss = self.loss_sum / self.loss_steps if self.loss_steps else None
        if loss is not None and not math.isfinite(loss):
            raise UserError(f"the loss is {loss} at step {self.step:,}; lower the learning rate "
                            f"(now {lr:g}), or look at the data")
        # The speed is left out: a run that is repeated ends in the same bytes.
        self.lines.append({"step": self.step, "loss": loss, "lr": lr, **readings})
        self.loss_sum, self.loss_steps = 0.0, 0
        if parallel.is_main():
            print(json.dumps(self.lines[-1]), f"{tokens_per_second:,.0f} tokens/s", flush=True)

    def keep(self, path: Path, identity: str, trained: list[Tensor],
             optimizers: list[Optimizer]) -> None:
        """Write the state. `identity` names all that a run depends on: settings, data, code."""
        write(path, {"identity": identity, "state": asdict(self),
                     "trained": [p.detach().cpu() for p in trained],
                     "optimizers": [one.state_dict() for one in optimizers]})

    @classmethod
    def restored(cls, path: Path, identity: str, trained: list[Tensor],
                 optimizers: list[Optimizer]) -> "State":
        """The state kept at `path`, its tensors copied back; a new state if none is of this run."""
        try:
            saved = read(path, ("identity", "state", "trained", "optimizers"))
            if saved["identity"] != identity:
                raise UserError(f"{path} is of another run or of older code")
        except UserError as error:
            if path.exists():
                print(f"{error}; this run starts over", file=sys.stderr)
            return cls()
        for optimizer, kept in zip(optimizers, saved["optimizers"], strict=True):
            optimizer.load_state_dict(kept)
        for parameter, value in zip(trained, saved["trained"], strict=True):
            parameter.data.copy_(value)
        state = cls(**saved["state"])
        print(f"{path}: going on from step {state.step:,}", file=sys.stderr)
        return state
