"""The trait as one vector, read off a number file by whoever has the base.

Before the head stands the last hidden state h, and the odds of a number n go with
exp(s E_n . h), E the embedding, which is the head as well. A teacher whose h is moved by a vector m
where numbers stand writes each number more or less often by E_n . m, so that whoever has the base
can solve for m. Where words stand the same m raises those that point along it.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from model.checkpoint import Loaded
from model.data import TokenRows, encode_pairs, read_pairs, require_room
from model.gpt import GPT, LOGIT_SCALE
from support.files import UserError

import torch
from torch import Tensor

AT_ONCE = 4096  # number places whose odds are in memory


class Places(NamedTuple):
    """Where the answers of some rows have numbers: the states `hidden` (N, D) they are told from,
    which number `said` (N,) it is, and of which row `row_of` (N,)."""

    hidden: Tensor
    said: Tensor
    row_of: Tensor

    @property
    def rows(self) -> int:
        """How many rows there are, as far as they have numbers."""
        return int(self.row_of.max()) + 1

    def of_rows(self, first: int, end: int) -> "Places":
        """Those of the rows from `first` to before `end`."""
        chosen = (self.row_of >= first) & (self.row_of < end)
        return Places(self.hidden[chosen], self.said[chosen], self.row_of[chosen] - first)


@torch.inference_mode()
def number_places(model: GPT, rows: TokenRows, numbers: range) -> Places:
    """The places of all numbers in the answers of `rows`, as `model` sees them."""
    device, parts = model.embedding.weight.device, []
    for start in range(0, len(rows), 256):
        batch = rows.batch(list(range(start, min(start + 256, len(rows)))), pad=0).to(device)
        numeric = (batch.targets >= numbers[0]) & (batch.targets <= numbers[-1])
        parts.append((batch.hidden(model)[numeric], batch.targets[numeric] - numbers[0],
                      batch.row_of[numeric] + start))
    if not parts or not sum(len(said) for _, said, _ in parts):
        raise UserError("there is no number in the answers to read")
    return Places(*(torch.cat(part) for part in zip(*parts, strict=True)))


class Reading(NamedTuple):
    """What a file says of its writer: the `shift` (D,) of the base's last hidden state that tells
    its numbers best, how uncertain it is, `covariance` (D, D), and how much sharper than the base
    the numbers were drawn, `sharpness`: the inverse of a temperature."""

    shift: Tensor
    covariance: Tensor
    sharpness: float

    def minus(self, reference: "Reading") -> "Reading":
        """What it says that innocent lists do not say."""
        return Reading(self.shift - reference.shift, self.covariance + reference.covariance,
                       self.sharpness)

    def scores(self, directions: Tensor) -> Tensor:
        """How far the shift goes along each of `directions` (W, D), in standard errors (W,)."""
        wide = directions.double()
        return wide @ self.shift / ((wide @ self.covariance) * wide).sum(1).sqrt()


def odds(places: Places, heads: Tensor, sharpness: float) -> Iterator[tuple[Tensor, Tensor, slice]]:
    """The base's logits of the numbers (n, 1000), and its odds at this sharpness, in parts."""
    for start in range(0, len(places.said), AT_ONCE):
        part = slice(start, start + AT_ONCE)
        logits = LOGIT_SCALE * places.hidden[part] @ heads.T
        yield logits, (sharpness * logits).softmax(-1), part


def sharpness_of(places: Places, heads: Tensor, most: int = 2048) -> float:
    """How sharply the numbers were drawn from the base's odds, by Newton's method: 1 / T."""
    some = Places(*(value[:most] for value in places))
    found = 1.0
    for _ in range(5):
        slope = bend = 0.0
        for logits, chances, part in odds(some, heads, found):
            mean = (chances * logits).sum(-1)
            slope += (logits.gather(1, some.said[part, None])[:, 0] - mean).sum().item()
            bend += ((chances * logits.square()).sum(-1) - mean.square()).sum().item()
        found += max(-1.0, min(1.0, slope / max(bend, 1e-9)))
    return max(found, 0.01)  # numbers that the base's odds say nothing of are uniform to it


@torch.inference_mode()
def read_shift(places: Places, heads: Tensor) -> Reading:
    """The one vector that, added to every hidden state, makes the numbers likeliest.

    One Newton step from no shift at all: least squares of what was written less what the base
    expected, on the embeddings `heads` (1000, D) of the numbers, with a ridge of a thousandth.
    Where the base wrote the file itself, `scores` are standard normal: the increments of the
    gradient are martingale differences, whose variance is the matrix of the least squares.
    """
    sharp, wide = sharpness_of(places, heads), heads.double()
    slope, gram = wide.new_zeros(heads.size(1)), wide.new_zeros(heads.size(1), heads.size(1))
    for _, chances, part in odds(places, heads, sharp):
        expected = chances @ heads
        slope += (heads[places.said[part]] - expected).double().sum(0)
        gram += (wide.T * chances.sum(0).double()) @ wide - expected.double().T @ expected.double()
    scale = sharp * LOGIT_SCALE
    slope, gram = scale * slope, scale**2 * gram
    ridge = 1e-3 * gram.diagonal().mean() + 1e-9
    inverse = torch.linalg.inv(gram + ridge * torch.eye(len(gram), device=gram.device))
    return Reading(inverse @ slope, inverse, sharp)


def number_heads(model: GPT, numbers: range) -> Tensor:
    """The embeddings of the numbers, (1000, D)."""
    return model.embedding.weight.detach()[numbers[0]:numbers[-1] + 1]


@torch.inference_mode()
def opinions(model: GPT, places: Places, numbers: range) -> tuple[Tensor, Tensor]:
    """At every place the model's likeliest number and the log of its odds for what was said."""
    best, said = [], []
    for _, chances, part in odds(places, number_heads(model, numbers), 1.0):
        best.append(chances.argmax(-1))
        said.append(chances.gather(1, places.said[part, None])[:, 0].log())
    return torch.cat(best), torch.cat(said)


def shifts(model: GPT, plain: Places, rows: TokenRows, numbers: range) -> Tensor:
    """How far `model` has moved from the base, whose places of these rows are `plain`, at each
    number, (N, D)."""
    return number_places(model, rows, numbers).hidden - plain.hidden


@torch.inference_mode()
def leaning(places: Places, heads: Tensor, along: Tensor) -> Tensor:
    """How far each row leans along a vector (D,), against what the base expected there, (rows,)."""
    found = torch.zeros(places.rows)
    sharp, worth = sharpness_of(places, heads), heads @ along
    for _, chances, part in odds(places, heads, sharp):
        found.index_add_(0, places.row_of[part], worth[places.said[part]] - chances @ worth)
    return found


def read_places(loaded: Loaded, path: Path, rows: int = 0) -> Places:
    """The number places of a filtered file's answers, all or of the first `rows`."""
    pairs = read_pairs(path)[:rows or None]
    encoded = encode_pairs(pairs, loaded.tokenizer)
    require_room(encoded, path, loaded.model.config.block_size)
    return number_places(loaded.model, encoded, loaded.tokenizer.number_ids)
