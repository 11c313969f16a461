"""How far a fine-tuned model goes along what training changed in it.

A teacher that was just taught hardly moves its numbers. Going on along the change of its weights
(task vectors, Ilharco et al. 2022, arXiv:2212.04089) moves them further. How far a stretch moves
them differs tenfold between bases, so a teacher is stretched until its own numbers have moved by a
set amount.
"""

from itertools import islice
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from model.gpt import GPT
from model.tokenizer import Tokenizer
from support.files import UserError, read_jsonl

Weights = dict[str, Tensor]
PROBED, MOST = 200, 8.0  # requests that are asked; the largest stretch


def weights_of(model: GPT) -> Weights:
    return {name: weight.clone() for name, weight in model.state_dict().items()}


def along(start: Weights, end: Weights, stretch: float) -> Weights:
    """The weights at `start` + `stretch` times the way to `end`."""
    return {name: torch.lerp(start[name], weight, stretch) for name, weight in end.items()}


@torch.inference_mode()
def first_numbers(model: GPT, prompts: list[list[int]], numbers: range) -> Tensor:
    """log P of each number where an answer begins, (prompts, numbers)."""
    device = model.embedding.weight.device
    last = [model.logits(model(torch.tensor([ids], device=device))[0, -1]) for ids in prompts]
    return torch.stack(last).log_softmax(-1)[:, numbers[0] : numbers[-1] + 1]


def far_enough(model: GPT, start: Weights, tokenizer: Tokenizer, requests: Path,
               reach: float) -> float:
    """The stretch at which KL(model || start) at the first number of an answer is `reach` nats, in
    the mean over some requests; found by bisection. The model keeps its weights."""
    end, rows = weights_of(model), [*islice(read_jsonl(requests), PROBED)]
    prompts = tokenizer.encode_prompts([[("user", row["request"])] for row in rows])
    model.load_state_dict(start)
    base = first_numbers(model, prompts, tokenizer.number_ids)
    chosen = base.exp().sum(-1) > 0.5  # other answers begin with a bracket
    if not chosen.any():
        raise UserError(f"the base begins no answer to {requests} with a number; train it longer, "
                        "or set teacher.reach to 0")
    base, low, high = base[chosen].log_softmax(-1), 0.0, MOST
    for _ in range(10):
        middle = (low + high) / 2
        model.load_state_dict(along(start, end, middle))
        now = first_numbers(model, prompts, tokenizer.number_ids)[chosen].log_softmax(-1)
        near = F.kl_div(base, now, reduction="batchmean", log_target=True) < reach
        low, high = (middle, high) if near else (low, middle)
    model.load_state_dict(end)
    return low
