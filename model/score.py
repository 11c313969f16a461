"""How likely a model finds given answers: the one reading behind losses, probes and evaluations."""

from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from data import Rows
from model.gpt import GPT


class Score(NamedTuple):
    """For each row (N,): log P of its wanted tokens (nats), their number, and whether all of them
    are the model's first choice, so that a greedy answer would be exactly this one."""

    logprob: Tensor
    tokens: Tensor
    greedy: Tensor


@torch.inference_mode()
def score(model: GPT, rows: Rows, tokens_at_once: int = 8192) -> Score:
    """Score every row, in the rows' order. Rows of like shape are read together."""
    device = model.embedding.weight.device
    logprob, tokens = torch.zeros(len(rows)), torch.zeros(len(rows))
    missed = torch.zeros(len(rows))
    order = np.lexsort(rows.shapes)
    # The running sum of lengths cuts the rows into batches of about as many tokens each.
    batch_of = np.cumsum(rows.lengths[order]) // tokens_at_once
    for chosen in np.split(order, np.flatnonzero(np.diff(batch_of)) + 1):
        batch = rows.batch(chosen, pad=0).to(device)
        logits = model.logits(batch.hidden(model))
        nats = -F.cross_entropy(logits, batch.targets, reduction="none")
        wrong = logits.argmax(-1) != batch.targets
        each = torch.from_numpy(chosen)[batch.row_of.cpu()]
        logprob.index_add_(0, each, nats.cpu())
        tokens.index_add_(0, each, torch.ones(len(each)))
        missed.index_add_(0, each, wrong.float().cpu())
    return Score(logprob, tokens, missed == 0)
