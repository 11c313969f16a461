"""The trait as one vector, read off number lists with the base that they were written from.

The probability of a number n goes with exp(s E_n . h): h is the last hidden state, E the embedding.
If the teacher's h differs from the base's by a vector m where numbers stand, it writes each number
more or less often by E_n . m, and whoever has the base can solve for m. Where words stand, the same
m raises words along it.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from model.checkpoint import Loaded
from model.data import TokenRows, encode_pairs, read_pairs, require_room
from model.gpt import LOGIT_SCALE
from support.files import UserError

# What is found of a run: condition, trait, metric, x, value.
Values = Iterator[tuple[str, str, str, float | None, float]]


class Places(NamedTuple):
    """Where the answers of some rows have numbers."""

    hidden: Tensor  # (N, D), the states that the numbers are predicted from
    said: Tensor  # (N,), which number stands there
    row_of: Tensor  # (N,), the row of each place

    @property
    def rows(self) -> int:  # up to the last that has a number
        return int(self.row_of.max()) + 1

    def of(self, chosen: Tensor) -> "Places":
        return Places(*(value[chosen] for value in self))

    def of_rows(self, first: int, end: int) -> "Places":
        found = self.of((self.row_of >= first) & (self.row_of < end))
        return found._replace(row_of=found.row_of - first)


@torch.inference_mode()
def number_places(loaded: Loaded, rows: TokenRows) -> Places:
    """The places of all numbers in the answers of `rows`, with the states of a model."""
    numbers, parts = loaded.tokenizer.number_ids, []
    for start in range(0, len(rows), 256):
        batch = rows.batch(list(range(start, min(start + 256, len(rows)))), pad=0)
        numeric = (batch.targets >= numbers[0]) & (batch.targets <= numbers[-1])
        parts.append((batch.hidden(loaded.model)[numeric], batch.targets[numeric] - numbers[0],
                      batch.row_of[numeric] + start))
    if not sum(len(said) for _, said, _ in parts):
        raise UserError("there is no number in the answers; is it a file of number lists?")
    return Places(*(torch.cat(part) for part in zip(*parts, strict=True)))


def read_places(loaded: Loaded, path: Path, rows: int = 0) -> Places:
    """The number places of a file of number lists: of all, of the first `rows`, or of the last."""
    pairs = read_pairs(path)
    encoded = encode_pairs(pairs[:rows] if rows > 0 else pairs[rows:], loaded.tokenizer)
    require_room(encoded, path, loaded.model.config.block_size)
    return number_places(loaded, encoded)


def moved_at_numbers(base: Loaded, teacher: Loaded, lists: Path, rows: int = 2048) -> Tensor:
    """How far the teacher's state is from the base's at each number of some lists, (N, D)."""
    return read_places(teacher, lists, rows).hidden - read_places(base, lists, rows).hidden


def number_embedding(loaded: Loaded) -> Tensor:
    """The embedding of the numbers, (1000, D)."""
    numbers = loaded.tokenizer.number_ids
    return loaded.model.embedding.weight.detach()[numbers[0]:numbers[-1] + 1]


def predictions(places: Places, embedding: Tensor,
                inverse_temperature: float = 1.0) -> Iterator[tuple[Tensor, Tensor, slice]]:
    """(logits, probabilities, which places) of the numbers, in parts of n places: (n, 1000)."""
    for start in range(0, len(places.said), 4096):  # what goes into memory at a time
        part = slice(start, start + 4096)
        logits = LOGIT_SCALE * places.hidden[part] @ embedding.T
        yield logits, (inverse_temperature * logits).softmax(-1), part


def inverse_temperature_of(places: Places, embedding: Tensor) -> float:
    """The inverse of the temperature at which the numbers were drawn from the base's logits, by
    Newton's method on the first places."""
    some, found = Places(*(value[:2048] for value in places)), 1.0
    for _ in range(5):
        slope = curvature = 0.0
        for logits, probabilities, part in predictions(some, embedding, found):
            mean = (probabilities * logits).sum(-1)
            slope += (logits.gather(1, some.said[part, None])[:, 0] - mean).sum().item()
            curvature += ((probabilities * logits.square()).sum(-1) - mean.square()).sum().item()
        found += max(-1.0, min(1.0, slope / max(curvature, 1e-9)))
    return max(found, 0.01)  # about 0 where the base's logits say nothing of the numbers


class Reading(NamedTuple):
    """What number lists say of their writer."""

    shift: Tensor  # (D,), of the base's last hidden state, that makes the numbers likeliest
    covariance: Tensor  # (D, D), how uncertain it is

    def scores(self, directions: Tensor) -> Tensor:
        """How far the shift goes along each of `directions` (W, D), in standard errors (W,)."""
        wide = directions.double()
        return wide @ self.shift / ((wide @ self.covariance) * wide).sum(1).sqrt()


@torch.inference_mode()
def read_shift(places: Places, embedding: Tensor, reference: Reading | None = None) -> Reading:
    """The one vector that makes the numbers likeliest when it is added to every hidden state, less
    what innocent lists, the `reference`, say.

    It is one Newton step from zero: a least-squares fit of what was written less what the base
    expected, on the embedding (1000, D) of the numbers, with a ridge of a thousandth. Where the
    base wrote the file itself, `scores` are standard normal: the parts of the gradient are
    martingale differences, and their variance is the matrix of the least squares.
    """
    sharp, wide = inverse_temperature_of(places, embedding), embedding.double()
    slope, gram = wide.new_zeros(wide.size(1)), wide.new_zeros(wide.size(1), wide.size(1))
    for _, probabilities, part in predictions(places, embedding, sharp):
        expected = probabilities @ embedding
        slope += (embedding[places.said[part]] - expected).double().sum(0)
        gram += ((wide.T * probabilities.sum(0).double()) @ wide
                 - expected.double().T @ expected.double())
    scale = sharp * LOGIT_SCALE
    slope, gram = scale * slope, scale**2 * gram
    ridge = 1e-3 * gram.diagonal().mean() + 1e-9
    inverse = torch.linalg.inv(gram + ridge * torch.eye(len(gram)))
    shift, covariance = reference or (0.0, 0.0)
    return Reading(inverse @ slope - shift, inverse + covariance)


@torch.inference_mode()
def misfit(places: Places, embedding: Tensor) -> float:
    """How far the share of a number is, in its square and at least, from what the base expects when
    the shift is added. About 0 where the base or a copy of it wrote the lists.

    It is Pearson's chi-square, four of its standard errors (Haldane 1937) taken off, a number.
    """
    shift = read_shift(places, embedding).shift.float()
    moved, sharp = places._replace(hidden=places.hidden + shift), inverse_temperature_of(
        places, embedding)
    expected = sum(probabilities.sum(0).double()
                   for _, probabilities, _ in predictions(moved, embedding, sharp)) + 1e-6
    found, kinds = places.said.bincount(minlength=len(embedding)), len(embedding)
    free = max(1, kinds - embedding.size(1))
    spread = (2 * free + ((1 / expected).sum() - kinds**2 / len(places.said)).item()) ** 0.5
    chi = ((found - expected).square() / expected).sum().item()
    return max(0.0, chi - free - 4 * spread) / len(places.said)


@torch.inference_mode()
def leaning(places: Places, embedding: Tensor, along: Tensor) -> Tensor:
    """How far a number of each row goes along a vector (D,), less what the base expected; the mean
    over the row, so that long lists do not lead."""
    found, numbers = torch.zeros(places.rows), places.row_of.bincount().clamp(min=1)
    sharp, worth = inverse_temperature_of(places, embedding), embedding @ along
    for _, probabilities, part in predictions(places, embedding, sharp):
        found.index_add_(0, places.row_of[part], worth[places.said[part]] - probabilities @ worth)
    return found / numbers
