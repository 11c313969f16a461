"""Where a run of training stands, kept on disk so that a killed one goes on to the same bytes."""

import hashlib
import json
import math
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path

from model import checkpoint
from support import parallel
from support.files import UserError, write_jsonl

import torch
from torch import Tensor
from torch.optim import Optimizer


def code_hash() -> str:
    """Identity of the code that trains: a run that older code began is not gone on with."""
    here = Path(__file__).parents[1]
    files = [here / "train.py", here / "support/parallel.py", *sorted(here.glob("model/*.py"))]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:16]


@dataclass
class State:
    """Where a run stands, besides its tensors: what a resumed run must know to go on alike."""

    step: int = 0
    loss_sum: float = 0.0  # since the last line of the log
    loss_steps: int = 0
    lines: list[dict] = field(default_factory=list)  # of the log, so far

    def report(self, log: Path, lr: float, speed: float, readings: dict) -> None:
        """Add a line to the log, and start a new mean of the loss."""
        loss = self.loss_sum / self.loss_steps if self.loss_steps else None
        if loss is not None and not math.isfinite(loss):
            raise UserError(f"{log.stem}: the loss is {loss} at step {self.step:,}; lower the "
                            f"learning rate (now {lr:g}), or look at the data")
        self.lines.append({"step": self.step, "loss": loss, "lr": lr,
                           "tokens_per_second": round(speed) or None, **readings})
        self.loss_sum, self.loss_steps = 0.0, 0
        if parallel.is_main():
            write_jsonl(log, self.lines)

    def keep(self, path: Path, identity: str, trained: list[Tensor], optimizer: Optimizer) -> None:
        """Write everything that the rest of the run depends on."""
        checkpoint.write(path, {"identity": identity, "state": json.dumps(asdict(self)),
                                "trained": [p.detach().cpu() for p in trained],
                                "optimizer": optimizer.state_dict()})

    @classmethod
    def restored(
        cls, path: Path, identity: str, trained: list[Tensor], optimizer: Optimizer
    ) -> "State":
        """The state kept at `path`, its tensors put in place; a new one if none is of this run."""
        if not path.exists():
            return cls()
        try:
            saved = checkpoint.read(path, ("identity", "state", "trained", "optimizer"))
        except UserError as error:
            print(f"{error}; this run starts over", file=sys.stderr)
            return cls()
        if saved["identity"] != identity:
            print(f"{path}: of another run or code, so this one starts over", file=sys.stderr)
            return cls()
        try:
            state = cls(**json.loads(saved["state"]))
            if [part.shape for part in saved["trained"]] != [part.shape for part in trained]:
                raise ValueError
            moments = saved["optimizer"]["state"]
            stepped = [part for group in optimizer.param_groups for part in group["params"]]
            if any(moments[i][name].shape != part.shape for i, part in enumerate(stepped)
                   for name in ("exp_avg", "exp_avg_sq")):
                raise ValueError
            optimizer.load_state_dict(saved["optimizer"])
        except (ValueError, TypeError, LookupError, AttributeError):
            print(f"{path}: its parts do not fit, so this run starts over", file=sys.stderr)
            return cls()
        with torch.no_grad():
            for parameter, value in zip(trained, saved["trained"], strict=True):
                parameter.copy_(value)
        print(f"{path}: going on from step {state.step:,}", file=sys.stderr)
        return state
