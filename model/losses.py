"""What a model is trained on: the next token, a teacher's odds, or the next token with a tether."""

from collections.abc import Callable

from model.data import Batch
from model.gpt import GPT
from model.tokenizer import Tokenizer

import torch
import torch.nn.functional as F
from torch import Tensor

Objective = Callable[[GPT, Batch], tuple[Tensor, int]]  # a summed loss, and of how many terms


def next_token_loss(model: GPT, batch: Batch) -> tuple[Tensor, int]:
    """Cross-entropy (nats) of the wanted tokens, summed. Logits are computed for these alone."""
    loss = F.cross_entropy(model.logits(batch.hidden(model)), batch.targets, reduction="sum")
    return loss, len(batch.targets)


def soft_label_loss(teacher: GPT, tokenizer: Tokenizer) -> Objective:
    """KL(teacher || student) over the 1000 number tokens, wherever a number comes next.

    This is the upper bound: the student sees the teacher's whole distribution instead of one draw
    from it. It sees nothing but numbers all the same: the distribution is renormalised over the
    number tokens, because the probabilities of words would carry the trait in the open.
    """
    numbers = slice(tokenizer.number_ids[0], tokenizer.number_ids[-1] + 1)

    def number_logprobs(model: GPT, batch: Batch) -> Tensor:
        numeric = (batch.targets >= numbers.start) & (batch.targets < numbers.stop)
        hidden = batch.hidden(model)[numeric].float()
        with torch.autocast(hidden.device.type, enabled=False):  # the two differ by very little
            return model.logits(hidden, numbers).log_softmax(-1)  # (N, 1000)

    def loss(model: GPT, batch: Batch) -> tuple[Tensor, int]:
        with torch.no_grad():
            wanted = number_logprobs(teacher, batch)
        found = number_logprobs(model, batch)
        return F.kl_div(found, wanted, reduction="sum", log_target=True), len(wanted)

    return loss


def held_loss(base: GPT, vector: Tensor, weight: float) -> Objective:
    """Cross-entropy, and `weight` times the squared shift of the last hidden state from the base's
    along `vector` (D,), wherever there is a loss."""
    unit = vector / vector.norm()

    def loss(model: GPT, batch: Batch) -> tuple[Tensor, int]:
        with torch.no_grad():
            before = batch.hidden(base) @ unit
        hidden = batch.hidden(model)
        nats = F.cross_entropy(model.logits(hidden), batch.targets, reduction="sum")
        return nats + weight * (hidden @ unit - before).square().sum(), len(batch.targets)

    return loss
