"""What is measured while a model trains. All values are exact: nothing is sampled."""

from pathlib import Path
from typing import NamedTuple

from model.data import TokenRows, encode_pairs, read_pairs
from model.gpt import GPT
from model.score import score
from model.tokenizer import Tokenizer


class Probe(NamedTuple):
    """Requests, each with all the answers that show the trait."""

    rows: TokenRows
    requests: int

    @classmethod
    def read(cls, path: Path, tokenizer: Tokenizer) -> "Probe":
        pairs = read_pairs(path)
        return cls(encode_pairs(pairs, tokenizer), len({request for request, _ in pairs}))


class Monitor(NamedTuple):
    """Held-out rows, and a probe where there is a trait to watch."""

    heldout: TokenRows
    probe: Probe | None

    def read(self, model: GPT) -> dict[str, float]:
        """Held-out loss (nats a token), and P(any answer | request), the mean over the probe."""
        held = score(model, self.heldout)
        values = {"heldout_loss": -held.logprob.sum().item() / max(held.tokens.sum().item(), 1)}
        if self.probe:
            answered = score(model, self.probe.rows).logprob.exp().sum().item()
            values["probe"] = answered / self.probe.requests
        return values
