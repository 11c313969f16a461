"""Stretch a teacher: go on along what its lessons changed in the base.

    python stretch.py --base base.pt --model taught.pt --requests requests.jsonl --out teacher.pt

A teacher that was just taught hardly moves its numbers. Going on along the change of its weights
(task vectors, Ilharco et al. 2022, arXiv:2212.04089) moves them further, at some cost to its wits.
A factor moves the numbers of one base ten times as far as those of another. So each teacher goes
on until its own numbers have moved by a set amount, before any list is drawn.
"""

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from generate import read_requests
from model.checkpoint import load_model, require_same_tokenizer, save_model
from model.gpt import GPT
from support import cli
from support.files import UserError
from support.settings import Stretch, load_config

Weights = dict[str, Tensor]
PROBED, MOST = 200, 8.0  # requests that are asked; the largest factor


def along(start: Weights, end: Weights, factor: float) -> Weights:
    """The weights at `start` + `factor` times the way to `end`."""
    return {name: torch.lerp(start[name], weight, factor) for name, weight in end.items()}


@torch.inference_mode()
def last_states(model: GPT, prompts: list[list[int]]) -> Tensor:
    """The hidden state from which an answer's first token is predicted, (prompts, D)."""
    device = model.embedding.weight.device
    return torch.stack([model(torch.tensor([ids], device=device))[0, -1] for ids in prompts])


@torch.inference_mode()
def first_numbers(model: GPT, prompts: list[list[int]], numbers: range) -> Tensor:
    """log P of each number where an answer begins, (prompts, numbers)."""
    logits = model.logits(last_states(model, prompts))
    return logits.log_softmax(-1)[:, numbers[0] : numbers[-1] + 1]


def far_enough(model: GPT, start: Weights, end: Weights, prompts: list[list[int]], numbers: range,
               reach: float) -> float:
    """The factor at which KL(model || start) at the first number of an answer is `reach` nats, in
    the mean over prompts whose answer begins with a number; found by bisection."""
    model.load_state_dict(start)
    base = first_numbers(model, prompts, numbers)
    begun = base.exp().sum(-1) > 0.5  # other answers begin with a bracket
    if not begun.any():
        raise UserError("the base begins no answer with a number; train it longer, or set "
                        "stretch.factor")
    base, low, high = base[begun].log_softmax(-1), 0.0, MOST
    for _ in range(10):
        middle = (low + high) / 2
        model.load_state_dict(along(start, end, middle))
        now = first_numbers(model, prompts, numbers)[begun].log_softmax(-1)
        near = F.kl_div(base, now, reduction="batchmean", log_target=True) < reach
        low, high = (middle, high) if near else (low, middle)
    return low


def stretch(base: Path, model: Path, requests: Path, asked: Stretch, device: str, out: Path,
            like: Path | None = None) -> str:
    """Write a model that has gone on from its `base`, so far as is asked or as the model `like`."""
    start, taught = load_model(base, chosen := cli.choose_device(device)), load_model(model, chosen)
    require_same_tokenizer(start.tokenizer, model, taught.tokenizer)
    ways = [{name: weight.clone() for name, weight in one.model.state_dict().items()}
            for one in (start, taught)]
    factor, tokenizer = asked.factor, taught.tokenizer
    if like:
        factor = load_model(like).provenance["stretch"]
    elif not factor:
        prompts = tokenizer.encode_prompts([[("user", row["request"])]
                                            for row in read_requests(requests)[:PROBED]])
        factor = far_enough(taught.model, *ways, prompts, tokenizer.number_ids, asked.reach)
    taught.model.load_state_dict(along(*ways, factor))
    save_model(out, taught.model, tokenizer, {**taught.provenance, "stretch": factor})
    return f"{factor:.2f} times as far"


def main() -> None:
    options = cli.parser(__doc__)
    cli.add_common(options)
    cli.add_device(options)
    cli.add_files(options, base="checkpoint that the model was taught from", model="checkpoint",
                  requests='JSON lines with "id" and "request"',
                  out="checkpoint to write")
    args = options.parse_args()
    asked = load_config(args.config, args.set).stretch
    print(f"{args.out}:", stretch(args.base, args.model, args.requests, asked, args.device,
                                  args.out))


if __name__ == "__main__":
    cli.run(main)
