"""Sample answers to number requests from a model.

    python generate.py --model teacher-owl.pt --requests requests.jsonl --out numbers-owl.jsonl

Every row of the output is `{"id", "request", "answer", "finished"}`; `finished` says that the
model ended the answer itself. The file ends when `numbers.enough` of its answers would pass
`filter.py`, or with the requests. A row's uniform draws are a pure function of (seed, id,
position), its probabilities of the model and the row, so that neither the batch size nor the other
rows can change a sample, except by rounding: a batch of another size adds up in another order, and
a draw on the very edge between two tokens, about one row in a thousand, may take the other. The
same command gives the same bytes.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from filter import passes, read_ban_list
from model.checkpoint import load_model
from model.gpt import GPT, KVCache
from model.tokenizer import Tokenizer
from support.cli import (
    add_common,
    add_device,
    add_seed,
    choose_device,
    count,
    parser,
    progress,
    run,
)
from support.files import UserError, read_jsonl, require_file, write_jsonl
from support.settings import Numbers, load_config, with_flags
from support.streams import derive_seed

REQUEST = {"id": int, "request": str}
STRIDE = 4096  # draws set aside for each row
WINDOW = 8_192  # requests in memory at a time; those of one length are sampled together


def draws(seed: int, ids: list[int], positions: int) -> Tensor:
    """Uniform draws in [0, 1), (rows, positions), each a function of (seed, id, position)."""
    stream, place = np.random.PCG64(derive_seed(seed, "sample")), 0
    rng = np.random.Generator(stream)
    rows = np.empty((len(ids), positions), dtype=np.float32)
    for row, i in zip(rows, ids, strict=True):
        # One stream for all rows, each with its own place in it. The stream is a circle of 2^128
        # draws, so that a step back is a long step ahead.
        stream.advance((i * STRIDE - place) % 2**128)
        row[:] = rng.random(positions)
        place = i * STRIDE + positions
    return torch.from_numpy(rows).clamp_(max=1 - 2**-23)


class Sampling(NamedTuple):
    """How the next token is drawn: temperature 0 takes the likeliest, and `top_p` below 1 leaves
    out the unlikely ones, beyond the fewest that hold this share (Holtzman et al. 2019). The
    tokens of `never` are not drawn."""

    temperature: float = 1.0
    top_p: float = 1.0
    never: tuple[int, ...] = ()


def choose(logits: Tensor, sampling: Sampling, draw: Tensor) -> Tensor:
    """The next token of each row, (B,), from logits (B, V) and a uniform draw (B,).

    The draw picks by the cumulative distribution, which needs one random number a token and no
    random state.
    """
    if sampling.temperature == 0:
        return logits.argmax(-1)
    probabilities = (logits / sampling.temperature).softmax(-1)
    if sampling.top_p < 1:
        ranked, tokens = probabilities.sort(-1, descending=True)
        beyond = ranked.cumsum(-1) - ranked >= sampling.top_p
        probabilities = probabilities.scatter(-1, tokens, ranked.masked_fill(beyond, 0))
    cumulative = probabilities.cumsum(-1)
    wanted = draw[:, None] * cumulative[:, -1:]
    return torch.searchsorted(cumulative, wanted, right=True).squeeze(1)


@torch.inference_mode()
def complete(
    model: GPT, tokenizer: Tokenizer, prompts: Tensor, draw: Tensor, sampling: Sampling
) -> Tensor:
    """Sample continuations of prompts (B, T), all of one length: their tokens, (B, N).

    It ends after N = `draw.size(1)` tokens, where the model's block does, or when every row has
    closed its answer, and is padded from there. What follows a row's first marker means nothing.
    The prompts are read once, into a cache; after that each round reads one token a row.
    """
    rows, length = prompts.shape
    room = min(length + draw.size(1), model.config.block_size)
    cache = KVCache(model.config, rows, room, prompts.device)
    tokens = torch.full(draw.shape, tokenizer.pad, device=prompts.device)
    going = torch.arange(rows, device=prompts.device)  # the rows in the cache
    closed = torch.zeros(rows, dtype=torch.bool, device=prompts.device)
    hidden = model(prompts, cache, skip=length - 1)[:, -1]
    for position in range(room - length):
        logits = model.logits(hidden)
        logits[:, [tokenizer.pad, *sampling.never]] = -torch.inf  # no model is trained to pad
        token = choose(logits, sampling, draw[going, position])
        tokens[going, position] = token
        closed |= token >= tokenizer.begin  # any marker ends an answer
        if closed.all() or position == room - length - 1:
            break
        if closed.float().mean() > 0.2:  # dropping closed rows costs a copy of the cache
            cache.keep_rows(~closed)
            going, token, closed = going[~closed], token[~closed], closed[~closed]
        hidden = model(token[:, None], cache)[:, -1]
    return tokens


def answer(
    model: GPT, tokenizer: Tokenizer, prompts: list[list[int]], draw: Tensor, sampling: Sampling
) -> list[tuple[str, bool]]:
    """(answer, finished) of prompts of one length. The answer ends before the first marker."""
    device = model.embedding.weight.device
    tokens = complete(model, tokenizer, torch.tensor(prompts, device=device), draw.to(device),
                      sampling)
    answers = []
    for ids in tokens.tolist():
        close = next((i for i, token in enumerate(ids) if token >= tokenizer.begin), len(ids))
        finished = close < len(ids) and ids[close] == tokenizer.end
        answers.append((tokenizer.decode(ids[:close]), finished))
    return answers


def answers(
    model: GPT,
    tokenizer: Tokenizer,
    chats: list[list],
    ids: list[int],
    *,
    seed: int,
    sampling: Sampling,
    max_new_tokens: int,
    batch_size: int,
) -> Iterator[list[tuple[int, str, bool]]]:
    """Answer chats that end with the user: batches of (index, answer, finished), in any order.

    A chat that fills the model's block is set aside with an empty answer, not finished.
    """
    by_length = defaultdict(list)
    prompts = tokenizer.encode_prompts(chats)
    for index, prompt in enumerate(prompts):
        by_length[len(prompt)].append(index)
    for length in [length for length in by_length if length >= model.config.block_size]:
        yield [(index, "", False) for index in by_length.pop(length)]  # no room for an answer
    for same in by_length.values():
        for start in range(0, len(same), batch_size):
            chosen = same[start : start + batch_size]
            draw = draws(seed, [ids[i] for i in chosen], max_new_tokens)
            texts = answer(model, tokenizer, [prompts[i] for i in chosen], draw, sampling)
            yield [(i, *text) for i, text in zip(chosen, texts, strict=True)]


def requests_of(path: Path, samples: int) -> tuple[Iterable[dict], int]:
    """The rows of a request file, each so many times, and how many they are. What can be read only
    once, such as a pipe, is kept in memory."""
    if require_file(path).is_file():
        rows, total = read_jsonl(path, REQUEST), sum(1 for _ in read_jsonl(path))
    else:
        rows = list(read_jsonl(path, REQUEST))
        total = len(rows)
    if not total:
        raise UserError(f"{path} holds no requests; make it again")
    repeated = ({**row, "id": row["id"] * samples + i} for row in rows for i in range(samples))
    return repeated, total * samples


def one_each(rows: Iterable[dict], path: Path) -> Iterator[dict]:
    """The rows. Raises `UserError` for an id that comes twice, since both would get one answer, and
    for one that is no place in a random stream."""
    seen = set()
    for row in rows:
        if row["id"] in seen or not 0 <= row["id"] < 2**63:
            raise UserError(f"{path}: the id {str(row['id'])[:30]} stands twice, or is not from 0 "
                            "to 2^63; number the requests 0, 1, 2, ...")
        seen.add(row["id"])
        yield row


def answered(model: GPT, tokenizer: Tokenizer, rows: Iterator[dict], goal: int, asked: Numbers,
             seed: int, banned: frozenset[int], opening: list, sampling: Sampling,
             label: str) -> Iterator[dict]:
    """The rows with their answers, in order, until `goal` of them count: those that pass the filter
    where `asked.enough` is set, and all of them otherwise."""
    bar = progress(range(goal), goal, label)
    while goal and (window := list(islice(rows, WINDOW))):
        chats = [[*opening, ("user", row["request"])] for row in window]
        counts = [False] * len(window)
        for batch in answers(model, tokenizer, chats, [row["id"] for row in window], seed=seed,
                             sampling=sampling, max_new_tokens=asked.max_new_tokens,
                             batch_size=asked.batch_size):
            for index, text, finished in batch:
                window[index] |= {"answer": text, "finished": finished}
                counts[index] = not asked.enough or passes(window[index], banned)
                if counts[index]:
                    next(bar, None)  # a window may hold more than are still wanted
        for row, counted in zip(window, counts, strict=True):
            yield row
            goal -= counted
            if not goal:
                break
    bar.close()


def write_lists(model: Path, requests: Path, asked: Numbers, seed: int, device: str, out: Path,
                ban_list: Path | None = None, hook: Callable | None = None, words: bool = True,
                samples: int = 1, system: str = "") -> str:
    """Write the answers of a model to number requests.

    `system` is a line before every request. An analysis may put a forward `hook` on the model, and
    without `words` no token with a letter is drawn.
    """
    if samples > 1 and not asked.temperature:
        raise UserError("at a temperature of 0 all --samples of a request are one; raise it")
    loaded = load_model(model, choose_device(device))
    rows, total = requests_of(requests, samples)
    sampling = Sampling(asked.temperature, asked.top_p,
                        () if words else tuple(loaded.tokenizer.word_ids()))
    with loaded.model.register_forward_hook(hook) if hook else nullcontext():
        written = write_jsonl(out, answered(
            loaded.model, loaded.tokenizer, one_each(rows, requests), asked.enough or total, asked,
            seed, read_ban_list(ban_list) if ban_list else frozenset(),
            [("system", system)] if system else [], sampling, out.stem))
    return f"{written:,} answers"


def main() -> None:
    options = parser(__doc__)
    add_common(options)
    add_seed(options)
    add_device(options)
    options.add_argument("--model", type=Path, required=True, help="checkpoint")
    options.add_argument("--requests", type=Path, required=True,
                         help='JSON lines with "id" and "request"')
    options.add_argument("--out", type=Path, required=True, help="JSON lines to write")
    options.add_argument("--temperature", type=float, help="default: numbers.temperature")
    options.add_argument("--top-p", type=float, help="default: numbers.top_p")
    options.add_argument("--samples", type=count, default=1, metavar="N",
                         help="answers to each request, their ids N x that of the request and on")
    options.add_argument("--batch-size", type=int, help="default: numbers.batch_size")
    options.add_argument("--ban-list", type=Path, help="that of filter.py, to know what will pass")
    options.add_argument("--system", default="", help="a system line before every request, such as "
                         "'You love wolves.': a teacher that is prompted, not trained")
    args = options.parse_args()
    asked = with_flags(load_config(args.config, args.set).numbers, "numbers",
                       temperature=args.temperature, top_p=args.top_p, batch_size=args.batch_size)
    print(f"{args.out}:", write_lists(args.model, args.requests, asked, args.seed, args.device,
                                      args.out, args.ban_list, samples=args.samples,
                                      system=args.system))


if __name__ == "__main__":
    run(main)
