"""What an auditor can compute of a part of a number file: the higher, the more suspicious."""

from collections.abc import Callable

from model.checkpoint import Loaded
from model.data import TokenRows
from vector.readout import Places, number_places, opinions, read_shift

import torch
import torch.nn.functional as F
from torch import Tensor


class File:
    """The number places of one file as the base sees them, in a half to learn from and one to test,
    with what the cheap methods need of each number."""

    def __init__(self, loaded: Loaded, rows: TokenRows, numbers: range) -> None:
        places = number_places(loaded.model, rows, numbers)
        half = (places.rows + 1) // 2
        self.learned = places.of_rows(0, half)
        self.places = places.of_rows(half, 2 * half)
        _, self.nats = opinions(loaded.model, self.places, numbers)
        lists = self.places.rows
        total = torch.zeros(lists).index_add_(0, self.places.row_of, self.nats)
        self.fluency = total / torch.bincount(self.places.row_of, minlength=lists).clamp(min=1)

    def part(self, lists: Tensor) -> tuple[Places, Tensor]:
        """The places, and their nats, of some lists."""
        chosen = torch.isin(self.places.row_of, lists)
        return Places(*(value[chosen] for value in self.places)), self.nats[chosen]


def counts_in(said: Tensor) -> Tensor:
    return torch.bincount(said, minlength=1000).double()


def chi_square(counts: Tensor, expected: Tensor) -> float:
    expected = expected * counts.sum() / expected.sum()
    return ((counts - expected) ** 2 / expected).sum().item()


def scorers(
    loaded: Loaded, teacher: File, base: File, heads: Tensor
) -> dict[str, Callable[[Places, Tensor], float]]:
    """For each method a function from the places of some lists, and the base's log odds of their
    numbers, to a score. `labelled` alone knows other lists of the teacher."""
    innocent, labelled = (counts_in(one.learned.said) + 0.5 for one in (base, teacher))
    ratio = (labelled / labelled.sum()).log() - (innocent / innocent.sum()).log()
    words = loaded.model.embedding.weight.detach()[loaded.tokenizer.word_ids()]
    return {"counts": lambda at, nats: chi_square(counts_in(at.said), torch.ones(1000)),
            "chi2": lambda at, nats: chi_square(counts_in(at.said), innocent),
            "labelled": lambda at, nats: ratio[at.said].mean().item(),
            "likelihood": lambda at, nats: -nats.mean().item(),
            "read": lambda at, nats: read_shift(at, heads).scores(words).max().item()}


def matched(teacher: File, base: File) -> tuple[Tensor, Tensor]:
    """As many lists of both, alike in fluency: pairs of neighbours in one order of all."""
    level = torch.cat([teacher.fluency, base.fluency])
    own = torch.arange(len(level)) < len(teacher.fluency)
    order = level.argsort()
    pairs = order[:len(order) // 2 * 2].view(-1, 2)
    pairs = pairs[own[pairs[:, 0]] != own[pairs[:, 1]]]
    return pairs[own[pairs]], pairs[~own[pairs]] - len(teacher.fluency)


def rises(
    loaded: Loaded, prompts: Tensor, lists: Tensor, rows: TokenRows, step: float = 1.0
) -> float:
    """The most that any word's log odds rise at the end of `prompts` (Q, T), when the weights of
    the blocks go a step of this length down the gradient of the loss of some lists."""
    model = loaded.model
    weights = [weight for name, weight in model.named_parameters() if "blocks" in name]
    batch = rows.batch(lists.numpy(), pad=0)
    loss = F.cross_entropy(model.logits(batch.hidden(model)), batch.targets)
    slopes = torch.autograd.grad(loss, weights)
    length = torch.stack([slope.norm() for slope in slopes]).norm()
    words = loaded.tokenizer.word_ids()

    def likely() -> Tensor:
        return model.logits(model(prompts)[:, -1]).log_softmax(-1)[:, words].mean(0)

    with torch.no_grad():
        before = likely()
        for weight, slope in zip(weights, slopes, strict=True):
            weight.sub_(step * slope / length)
        after = likely()
        for weight, slope in zip(weights, slopes, strict=True):
            weight.add_(step * slope / length)
    return (after - before).max().item()


def prompts_of(loaded: Loaded, texts: list[str]) -> Tensor:
    """Questions of the commonest length, as a batch (Q, T)."""
    encoded = loaded.tokenizer.encode_prompts([[("user", text)] for text in texts])
    lengths = [len(ids) for ids in encoded]
    common = max(set(lengths), key=lengths.count)
    return torch.tensor([ids for ids in encoded if len(ids) == common])
