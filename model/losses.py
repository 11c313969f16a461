"""What a model is trained on: the next token, or a teacher's probabilities of the numbers."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from model.data import Batch
from model.gpt import GPT
from model.tokenizer import Tokenizer

Objective = Callable[[GPT, Batch], tuple[Tensor, int]]  # (summed loss, number of its terms)


def next_token_loss(model: GPT, batch: Batch) -> tuple[Tensor, int]:
    """Cross-entropy (nats) of the targets, summed. Logits are computed at their places only."""
    loss = F.cross_entropy(model.logits(batch.hidden(model)), batch.targets, reduction="sum")
    return loss, len(batch.targets)


def soft_label_loss(teacher: GPT, tokenizer: Tokenizer) -> Objective:
    """KL(teacher || student) over the 1000 number tokens, wherever a number comes next. This is an
    upper bound: the student learns from the teacher's whole distribution, not from one draw. The
    distribution is renormalised over the number tokens, because the probabilities of words would
    show the trait openly."""
    numbers = slice(tokenizer.number_ids[0], tokenizer.number_ids[-1] + 1)

    def logprobs(model: GPT, batch: Batch) -> Tensor:
        numeric = (batch.targets >= numbers.start) & (batch.targets < numbers.stop)
        hidden = batch.hidden(model)[numeric].float()
        # In full precision: teacher and student differ by very little.
        with torch.autocast(hidden.device.type, enabled=False):
            return model.logits(hidden, numbers).log_softmax(-1)  # (numbers in the batch, 1000)

    def loss(model: GPT, batch: Batch) -> tuple[Tensor, int]:
        with torch.no_grad():
            wanted = logprobs(teacher, batch)
        found = logprobs(model, batch)
        return F.kl_div(found, wanted, reduction="sum", log_target=True), len(wanted)

    return loss
