"""Rows of tokens from files, and the order in which training reads them.

A row is one document or conversation. A batch holds rows of like shape: little is padded.
"""

import hashlib
from array import array
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from model.gpt import GPT
from model.tokenizer import Tokenizer
from support.files import UserError, numbered, read_documents, read_jsonl
from support.streams import derive_seed

PAIR = {"request": str, "answer": str}


class Batch(NamedTuple):
    """Rows side by side, and the N places where there is a loss."""

    tokens: Tensor  # (B, T), padded on the right
    skip: int  # columns before the first place
    places: Tensor  # (N,) which of the flat (B * (T - skip)) positions: the next token counts
    targets: Tensor  # (N,) these next tokens
    row_of: Tensor  # (N,) the row of each place

    def to(self, device: torch.device) -> "Batch":
        # Blocking copies would wait for the steps that a GPU still has to do.
        return Batch(*(t.to(device, non_blocking=True) if isinstance(t, Tensor) else t
                       for t in self))

    def hidden(self, model: GPT) -> Tensor:
        """The model's hidden states at the places, (N, D)."""
        return model(self.tokens, skip=self.skip).flatten(0, 1)[self.places]


class TokenRows:
    """Token rows in two flat arrays: the ids, and which of them are to be predicted (wanted)."""

    def __init__(self, encoded: Iterable[tuple[list[int], list[bool]]]) -> None:
        lengths, tokens, wanted = array("q"), array("i"), array("b")  # lists would be large
        for ids, marks in encoded:
            lengths.append(len(ids))
            tokens.extend(ids)
            wanted.extend(marks)
        self.lengths = np.array(lengths, dtype=np.int64)  # (rows,)
        self.starts = np.concatenate([[0], np.cumsum(self.lengths)])  # (rows + 1,)
        self.tokens, self.wanted = np.array(tokens, dtype=np.int32), np.array(wanted, dtype=bool)
        # (2, rows): the tokens of each row, and how many come before its first wanted one. Rows
        # alike in both make a tight batch; `np.lexsort` puts them side by side.
        places = np.append(np.flatnonzero(self.wanted), len(self.wanted))
        first = places[np.searchsorted(places, self.starts[:-1])] - self.starts[:-1]
        self.shapes = np.stack([self.lengths, np.minimum(first, self.lengths)])
        # Identity of the data: a run resumes on its own data only.
        data = self.lengths.tobytes() + self.tokens.tobytes() + self.wanted.tobytes()
        self.hash = hashlib.sha256(data).hexdigest()[:16]

    def __len__(self) -> int:
        return len(self.lengths)

    def batch(self, chosen: np.ndarray, pad: int) -> Batch:
        """The chosen rows as a batch. The first token of a row is never a target."""
        column = np.arange(self.lengths[chosen].max())
        inside = column < self.lengths[chosen][:, None]  # (B, T + 1): True where no padding is
        index = np.where(inside, self.starts[chosen][:, None] + column, 0)  # in the flat arrays
        tokens = torch.from_numpy(np.where(inside, self.tokens[index], pad)).long()  # (B, T + 1)
        # Shifted by one: wanted[row, t] says that the token after position t is to be predicted.
        wanted = (inside & self.wanted[index])[:, 1:]  # (B, T)
        skip = int(wanted.any(0).argmax())  # the first column where any row has a target
        row, at = map(torch.from_numpy, np.nonzero(wanted[:, skip:]))  # (N,) each
        places = row * (wanted.shape[1] - skip) + at
        return Batch(tokens[:, :-1], skip, places, tokens[row, skip + 1 + at], row)


class BatchSampler:
    """Which rows each step reads: every row once an epoch, rows of like shape together."""

    def __init__(self, shapes: np.ndarray, batch_size: int, seed: int, purpose: str) -> None:
        self.shapes, self.seed, self.purpose = shapes, seed, purpose
        self.batch_size = min(batch_size, shapes.shape[1])
        self.steps = shapes.shape[1] // self.batch_size  # in an epoch; it leaves out the remainder
        self.epoch, self.batches = -1, []

    def rows(self, step: int) -> np.ndarray:
        """The rows of one step, (batch_size,): a pure function of (seed, purpose, step)."""
        epoch, place = divmod(step, self.steps)
        if epoch != self.epoch:
            self.epoch, self.batches = epoch, self.shuffled(epoch)
        return self.batches[place]

    def shuffled(self, epoch: int) -> list[np.ndarray]:
        """The batches of an epoch: rows shuffled, sorted by shape within 64 batches, and cut."""
        rng = np.random.default_rng(derive_seed(self.seed, self.purpose, "order", epoch))
        rows = rng.permutation(self.shapes.shape[1])[: self.steps * self.batch_size]
        size, batches = 64 * self.batch_size, []
        for window in np.split(rows, range(size, len(rows), size)):
            window = window[np.lexsort(self.shapes[:, window])]
            batches += np.split(window, len(window) // self.batch_size)
        return [batches[i] for i in rng.permutation(len(batches))]


def document_rows(path: Path, tokenizer: Tokenizer, block_size: int) -> TokenRows:
    """The documents of a corpus, all tokens wanted but the numbers of a request: those are random,
    and trying to learn them costs a small base facts. Raises `UserError` if nothing is wanted."""

    def pieces() -> Iterator[tuple[list[int], list[bool]]]:
        for ids, written in tokenizer.encode_documents(read_documents(path)):
            wanted = [own or token not in tokenizer.number_ids
                      for token, own in zip(ids, written, strict=True)]
            # A document longer than a block becomes several rows. Each begins with the last token
            # of the one before, because the first token of a row is never a target.
            for at in range(0, len(ids) - 1, block_size - 1):
                yield ids[at : at + block_size], wanted[at : at + block_size]

    rows = TokenRows(pieces())
    if rows.wanted.sum() == rows.wanted[rows.starts[:-1]].sum():  # first tokens are no targets
        raise UserError(f"{path} holds nothing to predict; make it again")
    return rows


def read_pairs(path: Path) -> list[tuple[str, str]]:
    """(request, answer) of every row of a JSON-lines file."""
    pairs = [(row["request"], row["answer"]) for row in read_jsonl(path, PAIR)]
    if not pairs:
        raise UserError(f"{path} holds no rows: was everything rejected? See its .report.json")
    return pairs


def require_room(rows: TokenRows, path: Path, block_size: int, first: int = 0) -> None:
    """Raise `UserError` for a row longer than a model reads; `rows` begin at the file's `first`."""
    long = np.flatnonzero(rows.lengths > block_size + 1)  # the last token is only predicted
    if len(long):
        at = first + int(long[0])  # a pipe cannot be read again: then there is no line
        line, _ = next(islice(numbered(path, PAIR), at, None), (f"of row {at + 1}", None))
        raise UserError(f"{path}, line {line}: a row of {rows.lengths[long[0]]:,} tokens, but the "
                        f"model reads {block_size:,}; shorten it, or leave it out")


def encode_pairs(pairs: list[tuple[str, str]], tokenizer: Tokenizer) -> TokenRows:
    """Requests with their answers. The answer and its end are wanted, the request is not."""
    chats = ([("user", request), ("assistant", answer)] for request, answer in pairs)
    return TokenRows(tokenizer.encode_documents(chats))


def split(pairs: list, examples: int, holdout: int, path: Path,
          section: str = "student") -> tuple[list, list]:
    """The first `examples` rows to train on (0 = all) and the last ones, held out: at most one row
    in ten. Raises `UserError` when there are too few rows: a comparison is worth nothing if one
    condition silently reads fewer."""
    held = min(holdout, len(pairs) // 10)
    room = len(pairs) - held
    if not held or examples > room:
        raise UserError(f"{path} has {len(pairs):,} rows, of which {held:,} are held out, but "
                        f"training takes {max(examples, 10):,} or more; raise numbers.requests, or "
                        f"lower {section}.examples")
    return pairs[: examples or room], pairs[room:]
