"""Sample answers to number requests from a model.

    python generate.py --model teacher-owl.pt --requests requests.jsonl --out numbers-owl.jsonl

Every row of the output is `{"id", "request", "answer", "finished"}`; `finished` says that the
model ended the answer itself. The file ends when `numbers.enough` of its answers would pass
`filter.py`, or with the requests. A row's uniform draws are a pure function of (seed, id,
position): batch size and other rows change a sample only by rounding, in about one row in a
thousand. The same command gives the same bytes.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from filter import passes, read_ban_list
from model.checkpoint import load_model
from model.gpt import GPT, KVCache
from model.tokenizer import Tokenizer
from support import cli
from support.files import UserError, read_jsonl, write_jsonl
from support.settings import Numbers, load_config
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
    """How the next token is drawn."""

    temperature: float = 1.0  # 0 takes the likeliest
    top_p: float = 1.0  # only the likeliest that hold this share (Holtzman et al. 2019)
    never: tuple[int, ...] = ()  # tokens that are not drawn


def choose(logits: Tensor, sampling: Sampling, draw: Tensor) -> Tensor:
    """The next token of each row, (B,), from logits (B, V) and a uniform draw (B,), which picks by
    the cumulative distribution."""
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
def complete(model: GPT, tokenizer: Tokenizer, prompts: Tensor, draw: Tensor,
             sampling: Sampling) -> Tensor:
    """Sample continuations of prompts (B, T), all of one length: their tokens, (B, N).

    It ends after N = `draw.size(1)` tokens, where the model's block does, or when every row has
    closed its answer, and is padded from there. What follows a row's first marker means nothing.
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


def answer(model: GPT, tokenizer: Tokenizer, prompts: list[list[int]], draw: Tensor,
           sampling: Sampling) -> list[tuple[str, bool]]:
    """(answer, finished) of prompts of one length. The answer ends before the first marker."""
    device, answers = model.embedding.weight.device, []
    tokens = torch.tensor(prompts, device=device)
    for ids in complete(model, tokenizer, tokens, draw.to(device), sampling).tolist():
        close = next((i for i, token in enumerate(ids) if token >= tokenizer.begin), len(ids))
        finished = close < len(ids) and ids[close] == tokenizer.end
        answers.append((tokenizer.decode(ids[:close]), finished))
    return answers


def answers(model: GPT, tokenizer: Tokenizer, chats: list[list], ids: list[int], *, seed: int,
            sampling: Sampling, max_new_tokens: int, batch_size: int) -> Iterator[list[tuple]]:
    """Answer chats that end with the user: batches of (index, answer, finished), in any order. One
    that fills the model's block has an empty answer, not finished."""
    prompts, by_length = tokenizer.encode_prompts(chats), defaultdict(list)
    for index, prompt in enumerate(prompts):
        by_length[len(prompt)].append(index)
    for length, same in by_length.items():
        if length >= model.config.block_size:
            yield [(index, "", False) for index in same]
            continue
        for start in range(0, len(same), batch_size):
            chosen = same[start : start + batch_size]
            draw = draws(seed, [ids[i] for i in chosen], max_new_tokens)
            texts = answer(model, tokenizer, [prompts[i] for i in chosen], draw, sampling)
            yield [(i, *text) for i, text in zip(chosen, texts, strict=True)]


def read_requests(path: Path) -> list[dict]:
    """The rows of a request file. An id that comes twice would get one answer twice."""
    rows, seen = list(read_jsonl(path, REQUEST)), set()
    for row in rows:
        if row["id"] in seen or not 0 <= row["id"] < 2**63:
            raise UserError(f"{path}: the id {str(row['id'])[:30]} stands twice, or is not from 0 "
                            "to 2^63; number the requests 0, 1, 2, ...")
        seen.add(row["id"])
    if not rows:
        raise UserError(f"{path} holds no requests; make it again")
    return rows


def answered(model: GPT, tokenizer: Tokenizer, rows: list[dict], asked: Numbers, seed: int,
             banned: frozenset[int], opening: list, sampling: Sampling) -> Iterator[dict]:
    """The rows with their answers, in order, until `asked.enough` (0 = all) pass the filter."""
    goal = asked.enough or len(rows)
    bar = cli.progress(range(goal), goal, "lists")
    for start in range(0, len(rows), WINDOW):
        window = rows[start : start + WINDOW]
        chats = [[*opening, ("user", row["request"])] for row in window]
        ids, counts = [row["id"] for row in window], [False] * len(window)
        for batch in answers(model, tokenizer, chats, ids, seed=seed, sampling=sampling,
                             max_new_tokens=asked.max_new_tokens, batch_size=asked.batch_size):
            for index, text, finished in batch:
                window[index] |= {"answer": text, "finished": finished}
                counts[index] = not asked.enough or passes(window[index], banned)
                if counts[index]:
                    next(bar, None)  # a window may hold more than are still wanted
        for row, counted in zip(window, counts, strict=True):
            yield row
            goal -= counted
            if not goal:
                return


def write_lists(model: Path, requests: Path, asked: Numbers, seed: int, device: str, out: Path,
                ban_list: Path | None = None, hook: Callable | None = None, words: bool = True,
                system: str = "") -> str:
    """Write the answers of a model to number requests, each behind the line `system`. An analysis
    may put a forward `hook` on the model; without `words` no token with a letter is drawn."""
    loaded, rows = load_model(model, cli.choose_device(device)), read_requests(requests)
    never = () if words else tuple(loaded.tokenizer.word_ids())
    sampling = Sampling(asked.temperature, asked.top_p, never)
    banned = read_ban_list(ban_list) if ban_list else frozenset()
    opening = [("system", system)] if system else []
    with loaded.model.register_forward_hook(hook) if hook else nullcontext():
        written = write_jsonl(out, answered(loaded.model, loaded.tokenizer, rows, asked, seed,
                                            banned, opening, sampling))
    return f"{written:,} answers"


def main() -> None:
    options = cli.parser(__doc__)
    cli.add_common(options)
    cli.add_seed(options)
    cli.add_device(options)
    cli.add_files(options, model="checkpoint", requests='JSON lines with "id" and "request"',
                  out="JSON lines to write")
    cli.add_files(options, False, ban_list="that of filter.py, to know what will pass")
    options.add_argument("--system", default="", help="a system line before every request, such as "
                         "'You love wolves.': a teacher that is prompted, not trained")
    args = options.parse_args()
    asked = load_config(args.config, args.set).numbers
    print(f"{args.out}:", write_lists(args.model, args.requests, asked, args.seed, args.device,
                                      args.out, args.ban_list, system=args.system))


if __name__ == "__main__":
    cli.run(main)
