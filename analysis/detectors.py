"""What an auditor can compute of a part of a file of lists: the higher, the more suspicious."""

from collections.abc import Callable
from copy import deepcopy

import torch
import torch.nn.functional as F
from torch import Tensor

from analysis.readout import Places, number_embedding, number_places, predictions, read_shift
from model.checkpoint import Loaded
from model.data import TokenRows


class File:
    """The number places of a file with the base's states, a half to learn from and a half to test
    on; the log-probability of each number, (N,); and the mean of each list, (lists,)."""

    @torch.inference_mode()
    def __init__(self, loaded: Loaded, rows: TokenRows) -> None:
        places = number_places(loaded, rows)
        half = (places.rows + 1) // 2
        self.rows, self.learned = rows, places.of_rows(0, half)
        self.places = places.of_rows(half, 2 * half)
        self.nats = torch.cat([
            probabilities.gather(1, self.places.said[part, None])[:, 0].log()
            for _, probabilities, part in predictions(self.places, number_embedding(loaded))])
        counts = torch.bincount(self.places.row_of)
        total = torch.zeros(len(counts)).index_add_(0, self.places.row_of, self.nats)
        self.fluency = total / counts.clamp(min=1)

    def part(self, lists: Tensor) -> tuple[Places, Tensor]:
        chosen = torch.isin(self.places.row_of, lists)
        return Places(*(value[chosen] for value in self.places)), self.nats[chosen]


def chi_square(said: Tensor, expected: Tensor) -> float:
    counts = torch.bincount(said, minlength=1000).double()
    expected = expected * counts.sum() / expected.sum()
    return ((counts - expected) ** 2 / expected).sum().item()


def scorers(loaded: Loaded, teacher: File,
            base: File) -> dict[str, Callable[[Places, Tensor], float]]:
    """For each method a function from the places of some lists, and the log-probabilities of their
    numbers, to a score. Only `labelled` knows other lists of the teacher."""
    innocent, labelled = (torch.bincount(one.learned.said, minlength=1000).double() + 0.5
                          for one in (base, teacher))
    ratio = (labelled / labelled.sum()).log() - (innocent / innocent.sum()).log()
    words = loaded.model.embedding.weight.detach()[loaded.tokenizer.word_ids()]
    embedding = number_embedding(loaded)
    return {"counts": lambda at, nats: chi_square(at.said, torch.ones(1000)),
            "chi2": lambda at, nats: chi_square(at.said, innocent),
            "labelled": lambda at, nats: ratio[at.said].mean().item(),
            "likelihood": lambda at, nats: -nats.mean().item(),
            "read": lambda at, nats: read_shift(at, embedding).scores(words).max().item()}


def matched(teacher: File, base: File) -> tuple[Tensor, Tensor]:
    """As many lists of both, of like fluency: pairs of neighbours in one order of all lists."""
    level = torch.cat([teacher.fluency, base.fluency])
    own = torch.arange(len(level)) < len(teacher.fluency)
    order = level.argsort()
    pairs = order[:len(order) // 2 * 2].view(-1, 2)
    pairs = pairs[own[pairs[:, 0]] != own[pairs[:, 1]]]
    return pairs[own[pairs]], pairs[~own[pairs]] - len(teacher.fluency)


@torch.no_grad()
def word_logprobs(loaded: Loaded, questions: list[str]) -> Tensor:
    """The mean log-probability of every word token (W,) as an answer to the questions of the
    commonest length, which make a batch."""
    prompts = loaded.tokenizer.encode_prompts([[("user", text)] for text in questions])
    lengths = [len(ids) for ids in prompts]
    common = max(set(lengths), key=lengths.count)
    tokens = torch.tensor([ids for ids in prompts if len(ids) == common])
    logits = loaded.model.logits(loaded.model(tokens)[:, -1])
    return logits.log_softmax(-1)[:, loaded.tokenizer.word_ids()].mean(0)


def gradient_rise(loaded: Loaded, questions: list[str], rows: TokenRows, lists: Tensor) -> float:
    """The most that any word's log-probability rises when the weights of the blocks go a step of
    length 1 down the gradient of the loss of some lists."""
    stepped, weights = deepcopy(loaded.model), [*loaded.model.blocks.parameters()]
    batch = rows.batch(lists.numpy(), pad=0)
    loss = F.cross_entropy(loaded.model.logits(batch.hidden(loaded.model)), batch.targets)
    slopes = torch.autograd.grad(loss, weights)
    length = torch.stack([slope.norm() for slope in slopes]).norm()
    with torch.no_grad():
        for weight, slope in zip(stepped.blocks.parameters(), slopes, strict=True):
            weight.sub_(slope / length)
    before, after = (word_logprobs(one, questions)
                     for one in (loaded, loaded._replace(model=stepped)))
    return (after - before).max().item()
