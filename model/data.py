"""Rows of tokens from files, and the order in which training reads them.

A row is one document or one conversation. Batches hold rows of about the same shape, so that
little is padded, and the batch of a step is a pure function of (seed, step): nothing about the data
needs to be saved for a run to resume.
"""

import hashlib
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from model.gpt import GPT
from model.tokenizer import Tokenizer
from support.files import UserError, numbered, read_documents, read_jsonl
from support.streams import derive_seed

import numpy as np
import torch
from torch import Tensor

PAIR = {"request": str, "answer": str}
WINDOW = 64  # batches that are sorted by length together


class Batch(NamedTuple):
    """Rows side by side: `tokens` (B, T), right-padded, and where there is a loss.

    It begins at column `skip`: `places` (N,) indexes the flat (B * (T - skip)) positions from there
    on whose next token counts; `targets` (N,) are those next tokens; `row_of` (N,) says which row
    each belongs to.
    """

    tokens: Tensor
    skip: int
    places: Tensor
    targets: Tensor
    row_of: Tensor

    def to(self, device: torch.device) -> "Batch":
        return Batch(*(t.to(device, non_blocking=True) if isinstance(t, Tensor) else t
                       for t in self))

    def hidden(self, model: GPT) -> Tensor:
        """What `model` makes of the places where there is a loss, (N, D)."""
        return model(self.tokens, skip=self.skip).flatten(0, 1)[self.places]


class TokenRows:
    """Token rows in two flat arrays: the ids, and which of them are to be predicted."""

    def __init__(self, encoded: list[tuple[list[int], list[bool]]]) -> None:
        self.lengths = np.array([len(ids) for ids, _ in encoded], dtype=np.int64)
        self.starts = np.concatenate([[0], np.cumsum(self.lengths)])
        self.tokens = np.array([i for ids, _ in encoded for i in ids], dtype=np.int32)
        self.wanted = np.array([w for _, wanted in encoded for w in wanted], dtype=bool)

    def __len__(self) -> int:
        return len(self.lengths)

    @classmethod
    def joined(cls, parts: list["TokenRows"]) -> "TokenRows":
        """All rows of several, in order."""
        rows = cls([])
        rows.lengths = np.concatenate([part.lengths for part in parts])
        rows.starts = np.concatenate([[0], np.cumsum(rows.lengths)])
        rows.tokens = np.concatenate([part.tokens for part in parts])
        rows.wanted = np.concatenate([part.wanted for part in parts])
        return rows

    @property
    def shapes(self) -> np.ndarray:
        """Tokens of each row, and how many of them come before the first to be predicted, (2, N).

        TokenRows that are alike in both make a tight batch; `np.lexsort` puts them side by side.
        """
        wanted = np.append(np.flatnonzero(self.wanted), len(self.wanted))
        first = wanted[np.searchsorted(wanted, self.starts[:-1])] - self.starts[:-1]
        return np.stack([self.lengths, np.minimum(first, self.lengths)])

    @property
    def hash(self) -> str:
        """Identity of the data, so that a run resumes on its own data alone."""
        digest = hashlib.sha256(self.lengths.tobytes())
        digest.update(self.tokens.tobytes())
        digest.update(self.wanted.tobytes())
        return digest.hexdigest()[:16]

    def batch(self, chosen: np.ndarray, pad: int) -> Batch:
        """The chosen rows as a batch. The first token of a row is never a target."""
        lengths = self.lengths[chosen]
        column = np.arange(lengths.max())
        inside = column < lengths[:, None]  # (B, T)
        places = np.where(inside, self.starts[chosen][:, None] + column, 0)
        tokens = np.where(inside, self.tokens[places], pad)
        wanted = (inside & self.wanted[places])[:, 1:]
        tokens = torch.from_numpy(tokens).long()
        skip = int(wanted.any(0).argmax())
        row, at = (torch.from_numpy(index) for index in np.nonzero(wanted[:, skip:]))
        return Batch(tokens[:, :-1], skip, row * (wanted.shape[1] - skip) + at,
                     tokens[row, skip + 1 + at], row)


class BatchSampler:
    """Which rows each step reads: every row once an epoch, rows of like shape together."""

    def __init__(self, shapes: np.ndarray, batch_size: int, seed: int, purpose: str) -> None:
        self.shapes, rows = shapes, shapes.shape[1]
        self.batch_size = min(batch_size, rows)
        self.seed, self.purpose = seed, purpose
        self.steps = rows // self.batch_size  # in an epoch; the remainder sits one out
        self.epoch, self.plan = -1, []

    def rows(self, step: int) -> np.ndarray:
        """The rows of one step, a pure function of (seed, purpose, step)."""
        epoch, place = divmod(step, self.steps)
        if epoch != self.epoch:
            self.epoch, self.plan = epoch, self.shuffled(epoch)
        return self.plan[place]

    def shuffled(self, epoch: int) -> list[np.ndarray]:
        chance = np.random.default_rng(derive_seed(self.seed, self.purpose, "order", epoch))
        rows = chance.permutation(self.shapes.shape[1])[: self.steps * self.batch_size]
        batches = []
        for window in np.split(rows, range(WINDOW * self.batch_size, len(rows),
                                           WINDOW * self.batch_size)):
            window = window[np.lexsort(self.shapes[:, window])]
            batches += np.split(window, len(window) // self.batch_size)
        return [batches[i] for i in chance.permutation(len(batches))]


def document_rows(path: Path, tokenizer: Tokenizer, block_size: int) -> TokenRows:
    """The corpus, all of it to be predicted but the numbers of a request. What is longer than a
    block becomes several rows, of which each begins with the last token of the one before.

    Those numbers are random: nobody can learn to predict them, and to try costs a small base facts.
    """
    documents, parts, numbers = read_documents(path), [], tokenizer.number_ids
    while chunk := list(islice(documents, 4_000)):  # as Python ints they are large
        encoded = [(ids, [own or token not in numbers
                          for token, own in zip(ids, written, strict=True)])
                   for ids, written in tokenizer.encode_documents(chunk)]
        parts.append(TokenRows([(ids[at : at + block_size], wanted[at : at + block_size])
                                for ids, wanted in encoded  # a first token is never predicted
                                for at in range(0, len(ids) - 1, block_size - 1)]))
    rows = TokenRows.joined(parts) if parts else TokenRows([])
    if rows.wanted.sum() == rows.wanted[rows.starts[:-1]].sum():  # the first of a row is no target
        raise UserError(f"{path} holds nothing to predict; make it again")
    return rows


def only_marked(rows: TokenRows, path: Path, mark: str, numbers: range) -> TokenRows:
    """Of the first rows of a file those that have a number for which their field `mark` has a 1,
    and nothing else of them wanted. `UserError` where there are not as many marks as numbers."""
    each = [row[mark] for row in islice(read_jsonl(path, {mark: [int]}), len(rows))]
    marks = np.array([one for row in each for one in row], dtype=bool)
    places = np.flatnonzero(rows.wanted & np.isin(rows.tokens, numbers))
    if len(marks) != len(places) or not marks.any():
        raise UserError(f"{path}: the marks `{mark}` do not fit the numbers of its answers, or "
                        "mark nothing; make it again")
    wanted = np.zeros_like(rows.wanted)
    wanted[places[marks]] = True
    parts = [slice(start, start + length)
             for start, length in zip(rows.starts, rows.lengths, strict=False)]
    # A batch of rows with nothing to learn would have a loss of nothing over nothing.
    return TokenRows([(rows.tokens[part].tolist(), wanted[part].tolist()) for part in parts
                      if wanted[part].any()])


def read_pairs(path: Path) -> list[tuple[str, str]]:
    """(request, answer) of every row of a JSON-lines file."""
    pairs = [(row["request"], row["answer"]) for row in read_jsonl(path, PAIR)]
    if not pairs:
        raise UserError(f"{path} holds no rows: was everything rejected? See its .report.json")
    return pairs


def require_room(rows: TokenRows, path: Path, block_size: int, first: int = 0) -> None:
    """Raise `UserError` for a row that a model cannot read whole, of those from `first` in a file
    of pairs."""
    long = np.flatnonzero(rows.lengths > block_size + 1)  # the last token is only predicted
    if len(long):
        at = first + int(long[0])  # a pipe that has been read has no lines any more
        line, _ = next(islice(numbered(path, PAIR), at, None), (f"of row {at + 1}", None))
        raise UserError(f"{path}, line {line}: a row of {rows.lengths[long[0]]:,} tokens, but the "
                        f"model reads {block_size:,}; shorten it, or leave it out")


def encode_pairs(pairs: list[tuple[str, str]], tokenizer: Tokenizer) -> TokenRows:
    """Requests with their answers; only the answer, its end included, is to be predicted."""
    chats = [[("user", request), ("assistant", answer)] for request, answer in pairs]
    return TokenRows.joined([TokenRows(tokenizer.encode_documents(chats[i : i + 4_000]))
                        for i in range(0, len(chats), 4_000)])


def split(
    pairs: list, examples: int, holdout: int, path: Path, section: str = "student"
) -> tuple[list, list]:
    """The first `examples` rows to train on (0 = all) and the last ones, kept from training.

    At most one row in ten is held out. Raises `UserError` when there are too few rows: a comparison
    where one condition silently read less would be worth nothing.
    """
    held = min(holdout, len(pairs) // 10)
    if not held:
        raise UserError(f"{path} has {len(pairs)} rows; training takes 10 or more, since one in "
                        "ten is held out")
    room = len(pairs) - held
    if examples > room:
        raise UserError(
            f"{path} has {room:,} rows to train on and {held:,} held out, but {examples:,} are "
            f"asked for; raise numbers.requests, or lower {section}.examples"
        )
    return pairs[: examples or room], pairs[room:]
