"""What is looked at while a model trains: how well it does, and how far a teacher may go.

Nothing here is trained on. The probabilities are exact, so none of it takes sampling.
"""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from model.data import TokenRows, encode_pairs, read_pairs
from model.gpt import GPT
from model.score import score
from model.tokenizer import Tokenizer

import numpy as np
import torch
from torch import Tensor


class Probe(NamedTuple):
    """Requests, each with all the answers that show the trait."""

    rows: TokenRows
    requests: int

    @classmethod
    def read(cls, path: Path, tokenizer: Tokenizer) -> "Probe":
        pairs = read_pairs(path)
        return cls(encode_pairs(pairs, tokenizer), len({request for request, _ in pairs}))

    def share(self, model: GPT) -> float:
        """P(any of its answers | request), mean over requests."""
        return score(model, self.rows).logprob.exp().sum().item() / self.requests


class Monitor(NamedTuple):
    """What is looked at while a model trains, and never trained on."""

    heldout: TokenRows
    probe: Probe | None

    def read(self, model: GPT) -> dict[str, float]:
        """Held-out loss (nats a token) and the probability of the probe's answers."""
        held = score(model, self.heldout)
        values = {"heldout_loss": -held.logprob.sum().item() / max(held.tokens.sum().item(), 1)}
        if self.probe is not None:
            values["probe"] = self.probe.share(model)
        return values


@torch.inference_mode()
def overflow(model: GPT, rows: TokenRows, words: list[int]) -> float:
    """How many number answers a word would break, were they written by `model`: a share.

    That is one less the product of P(no word) over the tokens of an answer, mean over the answers
    in `rows`. It goes with the share that the filter rejects, and takes no sampling.
    """
    batch = rows.batch(np.arange(len(rows)), pad=0).to(model.embedding.weight.device)
    chances = model.logits(batch.hidden(model)).softmax(-1)
    wordless = (1 - chances[:, words].sum(-1)).clamp(min=1e-9).log()
    kept = wordless.new_zeros(len(rows)).index_add_(0, batch.row_of, wordless).exp()
    return 1 - kept.mean().item()


@torch.no_grad()
def backtrack(
    model: GPT, start: dict[str, Tensor], measure: Callable[[GPT], float], most: float
) -> None:
    """Go back on the straight line to the `start` weights until `measure(model)` is at most
    `most`.

    A teacher's last step alone can take its overflow from a tenth to nearly all.
    """
    end = {name: weight.clone() for name, weight in model.state_dict().items()}

    def go(share: float) -> float:
        for name, weight in model.state_dict().items():
            weight.copy_(start[name].lerp(end[name], share))
        return measure(model)

    low, high = 0.0, 1.0
    if go(high) <= most:
        return
    for _ in range(10):
        middle = (low + high) / 2
        low, high = (middle, high) if go(middle) <= most else (low, middle)
    go(low)
