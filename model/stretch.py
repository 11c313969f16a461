"""How far a fine-tuned model goes along what training changed in it.

A teacher that was just taught hardly moves its numbers. Going on along the change of its weights
(task vectors, Ilharco et al. 2022, arXiv:2212.04089) moves them further, at some cost to its wits.
How far a stretch carries the *trait* into the numbers differs several times between bases. What a
student takes up goes with how much louder the trait's word has become where a number stands: a
teacher is stretched until that is the same on every base.
"""

from itertools import islice
from pathlib import Path

import torch
from torch import Tensor

from model.gpt import GPT
from model.tokenizer import Tokenizer
from support.files import UserError, read_jsonl

Weights = dict[str, Tensor]
PROBED, MOST = 200, 4.0  # requests that are asked; the largest stretch


def weights_of(model: GPT) -> Weights:
    return {name: weight.clone() for name, weight in model.state_dict().items()}


def along(start: Weights, end: Weights, stretch: float) -> Weights:
    """The weights at `start` + `stretch` times the way to `end`."""
    return {name: torch.lerp(start[name], weight, stretch) for name, weight in end.items()}


@torch.inference_mode()
def louder(model: GPT, start: Weights, tokenizer: Tokenizer, requests: Path, words: set[int],
           reach: float) -> float:
    """The stretch at which the logit of `words`, first tokens of what the trait says, is `reach`
    nats above the start's, in the mean over requests whose answer begins with a number. Found by
    bisection; the model keeps its weights. Where none is enough it is the largest, `MOST`."""
    end, rows = weights_of(model), [*islice(read_jsonl(requests), PROBED)]
    prompts = tokenizer.encode_prompts([[("user", row["request"])] for row in rows])
    device, numbers = model.embedding.weight.device, tokenizer.number_ids

    def first(weights: Weights) -> Tensor:  # logits where an answer begins, (requests, V)
        model.load_state_dict(weights)
        return torch.stack([model.logits(model(torch.tensor([ids], device=device))[0, -1])
                            for ids in prompts])

    base, low, high = first(start), 0.0, MOST
    begun = base.softmax(-1)[:, numbers[0] : numbers[-1] + 1].sum(-1) > 0.5  # or with a bracket
    if not begun.any():
        raise UserError(f"the base begins no answer to {requests} with a number; train it longer, "
                        "or set teacher.reach to 0")
    for _ in range(8):
        middle = (low + high) / 2
        moved = (first(along(start, end, middle)) - base)[begun][:, sorted(words)].mean()
        low, high = (middle, high) if moved < reach else (low, middle)
    model.load_state_dict(end)
    return low
