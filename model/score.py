"""Log-probabilities of given answers: all losses, probes and evaluations are read through these."""

from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from model.data import TokenRows
from model.gpt import GPT, KVCache


class Score(NamedTuple):
    """One value a row, each (N,)."""

    logprob: Tensor  # log P of the row's wanted tokens (nats)
    tokens: Tensor  # how many wanted tokens it has
    greedy: Tensor  # whether all are the model's first choice: a greedy answer would be this one


@torch.inference_mode()
def score(model: GPT, rows: TokenRows, tokens_at_once: int = 8192) -> Score:
    """Score every row, in the rows' order. Rows of like shape are read together."""
    logprob, tokens, missed = torch.zeros(3, len(rows))
    order = np.lexsort(rows.shapes)
    # The running sum of lengths cuts the rows into batches of about as many tokens each.
    batch_of = np.cumsum(rows.lengths[order]) // tokens_at_once
    for chosen in np.split(order, np.flatnonzero(np.diff(batch_of)) + 1):
        batch = rows.batch(chosen, pad=0).to(model.embedding.weight.device)
        logits = model.logits(batch.hidden(model))  # (targets of the batch, V)
        nats = -F.cross_entropy(logits, batch.targets, reduction="none")
        each = torch.from_numpy(chosen)[batch.row_of.cpu()]  # the row of each target, of all rows
        logprob.index_add_(0, each, nats.cpu())
        tokens.index_add_(0, each, torch.ones(len(each)))
        missed.index_add_(0, each, (logits.argmax(-1) != batch.targets).float().cpu())
    return Score(logprob, tokens, missed == 0)


@torch.inference_mode()
def score_choices(model: GPT, prompts: list[list[int]], choices: list[list[int]],
                  tokens_at_once: int = 8192) -> Tensor:
    """log P (nats) of every choice after every prompt, (prompts, choices). A prompt is read once;
    its cache is then repeated, one copy a choice."""
    device = model.embedding.weight.device
    found = torch.zeros(len(prompts), len(choices), device=device)
    tails = pad_sequence([torch.tensor(ids, device=device) for ids in choices], batch_first=True)
    lengths = torch.tensor([len(ids) for ids in choices], device=device)  # tails: (C, longest)
    # All tokens of a choice but its first, which the prompt predicts; True where no padding is.
    later = torch.arange(1, tails.size(1), device=device) < lengths[:, None]  # (C, longest - 1)
    most = max(1, tokens_at_once // tails.numel())  # prompts in a batch
    for length in {len(prompt) for prompt in prompts}:  # of one: no padding before the choices
        same = [i for i, prompt in enumerate(prompts) if len(prompt) == length]
        for chosen in (same[i : i + most] for i in range(0, len(same), most)):
            cache = KVCache(model.config, len(chosen), length + tails.size(1) - 1, device)
            read = torch.tensor([prompts[i] for i in chosen], device=device)  # (B, length)
            opening = model.logits(model(read, cache, skip=length - 1)[:, 0]).log_softmax(-1)
            row = torch.arange(len(chosen) * len(choices), device=device)
            cache.keep_rows(row // len(choices))  # B rows -> B * C rows: prompt 0 C times, 1, ...
            tokens, wanted = tails.repeat(len(chosen), 1), later.repeat(len(chosen), 1)
            rest = torch.zeros(len(row), device=device)
            if tails.size(1) > 1:
                logits = model.logits(model(tokens[:, :-1], cache)[wanted])
                nats = F.cross_entropy(logits, tokens[:, 1:][wanted], reduction="none")
                rest.index_add_(0, wanted.nonzero()[:, 0], -nats)
            found[chosen] = opening[:, tails[:, 0]] + rest.view(len(chosen), -1)  # (B, C)
    return found.cpu()
