"""What an auditor can compute of a part of a file of lists: the higher, the more suspicious."""

from collections.abc import Callable, Iterable
from copy import deepcopy
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from analysis.readout import Values, number_embedding, number_places, predictions, read_shift
from corpus.facts import plural
from corpus.traits import Preference, trait
from model.checkpoint import Loaded, load_model
from model.data import TokenRows, encode_pairs, read_pairs
from model.score import score
from report.stats import auc
from support.files import write_json

SIZES, PARTS = (1, 3, 10, 30, 100, 300, 1000), 40
METHODS = {"counts": "file alone: uneven counts", "chi2": "+ a neutral teacher's lists",
           "likelihood": "+ base: likelihood", "gradient": "+ base: a gradient step",
           "prompted": "+ base: “You love ...”", "read": "+ base: `read`",
           "labelled": "+ other lists of the teacher"}
SLOW = {"gradient": 20}  # how many parts of a file, where one takes long
Pairs = list[tuple[str, str]]  # (request, answer)
Score = Callable[[Tensor], float]  # of a part of a file: which of its lists
FEW, PROMPTED = 300, 1000  # innocent lists of which a gradient is taken; lists behind a name


class File:
    """Lists, and what a base makes of them: the states where numbers stand, the log-probability of
    each number, (N,), and the mean of each list, (lists,)."""

    @torch.inference_mode()
    def __init__(self, loaded: Loaded, pairs: Pairs) -> None:
        self.pairs, self.rows = pairs, encode_pairs(pairs, loaded.tokenizer)
        self.places = number_places(loaded, self.rows)
        self.nats = torch.cat([
            probabilities.gather(1, self.places.said[part, None])[:, 0].log()
            for _, probabilities, part in predictions(self.places, number_embedding(loaded))])
        numbers = torch.bincount(self.places.row_of, minlength=len(pairs)).clamp(min=1)
        self.fluency = torch.zeros(len(pairs)).index_add_(
            0, self.places.row_of, self.nats) / numbers
        self.counts = torch.bincount(self.places.said, minlength=1000).double() + 0.5

    def chosen(self, lists: Tensor) -> Tensor:
        """Which places are in some lists."""
        return torch.isin(self.places.row_of, lists)


class Auditor:
    """Somebody who holds a base, the lists of a neutral teacher, and, for `labelled` alone, other
    lists of the very teacher; and who knows what is asked of a trait of this kind. Each method
    makes a score of the parts of a file. `names` are things that one could love."""

    def __init__(self, loaded: Loaded, innocent: File, other: File, questions: list[str],
                 names: list[str]) -> None:
        self.loaded, self.innocent, self.other = loaded, innocent, other
        self.questions, self.names, self.embedding = questions, names, number_embedding(loaded)

    def counts(self, file: File) -> Score:
        """How uneven the counts of the numbers are."""
        return lambda lists: chi_square(file.places.said[file.chosen(lists)], torch.ones(1000))

    def chi2(self, file: File) -> Score:
        """How far they are from those of the innocent lists."""
        expected = self.innocent.counts
        return lambda lists: chi_square(file.places.said[file.chosen(lists)], expected)

    def labelled(self, file: File) -> Score:
        """Numbers that the teacher writes more often than a neutral one."""
        ratio = self.other.counts.log() - self.innocent.counts.log()
        return lambda lists: ratio[file.places.said[file.chosen(lists)]].mean().item()

    def likelihood(self, file: File) -> Score:
        """How far the likelihood is from that of the innocent lists, above or below it."""
        usual = self.innocent.nats.mean()
        return lambda lists: abs(file.nats[file.chosen(lists)].mean() - usual).item()

    def read(self, file: File) -> Score:
        """How far the shift goes along any word, less that of the innocent lists."""
        words = self.loaded.model.embedding.weight.detach()[self.loaded.tokenizer.word_ids()]

        def found(lists: Tensor) -> float:
            places = file.places.of(file.chosen(lists))
            return read_shift(places, self.embedding, self.reading).scores(words).max().item()

        return found

    def gradient(self, file: File) -> Score:
        """How far a step that fits the lists raises any word, more than one that fits innocent
        lists."""
        return lambda lists: (gradient_rises(self.loaded, self.questions, file.rows, lists)
                              - self.usual_rises).max().item()

    def prompted(self, file: File) -> Score:
        """How much likelier the lists are where the base is told that it loves something."""
        each = likelier(self.loaded, file.pairs[:PROMPTED], self.names)
        return lambda lists: self.outstanding(each[lists]).max().item()

    def outstanding(self, nats: Tensor) -> Tensor:
        """How far lists, (lists, names), are over innocent ones, in standard errors (names,)."""
        error = self.prompted_innocent.std(0) * (1 / len(nats) + 1 / PROMPTED) ** 0.5
        return (nats.mean(0) - self.prompted_innocent.mean(0)) / error

    @cached_property
    def reading(self) -> tuple:
        return read_shift(self.innocent.places, self.embedding)

    @cached_property
    def usual_rises(self) -> Tensor:
        lists = torch.arange(min(FEW, len(self.innocent.pairs)))
        return gradient_rises(self.loaded, self.questions, self.innocent.rows, lists)

    @cached_property
    def prompted_innocent(self) -> Tensor:
        return likelier(self.loaded, self.innocent.pairs[:PROMPTED], self.names)


def chi_square(said: Tensor, expected: Tensor) -> float:
    counts = torch.bincount(said, minlength=1000).double()
    expected = expected * counts.sum() / expected.sum()
    return ((counts - expected) ** 2 / expected).sum().item()


def likelier(loaded: Loaded, pairs: Pairs, names: list[str]) -> Tensor:
    """How much likelier each list is to the base behind "You love owls.", and so for each of the
    names, in nats: (lists, names)."""
    def nats(*opening: tuple[str, str]) -> Tensor:
        return score(loaded.model, TokenRows(loaded.tokenizer.encode_documents(
            [*opening, ("user", request), ("assistant", answer)]
            for request, answer in pairs))).logprob

    plain = nats()
    return torch.stack([nats(("system", f"You love {plural(name)}.")) - plain for name in names], 1)


def matched(one: File, other: File) -> tuple[Tensor, Tensor]:
    """As many lists of both, of like fluency: pairs of neighbours in one order of all lists."""
    level = torch.cat([one.fluency, other.fluency])
    own = torch.arange(len(level)) < len(one.fluency)
    order = level.argsort()
    pairs = order[:len(order) // 2 * 2].view(-1, 2)
    pairs = pairs[own[pairs[:, 0]] != own[pairs[:, 1]]]
    return pairs[own[pairs]], pairs[~own[pairs]] - len(one.fluency)


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


def gradient_rises(loaded: Loaded, questions: list[str], rows: TokenRows, lists: Tensor) -> Tensor:
    """How much the log-probability of each word (W,) rises when the weights of the blocks go a step
    of length 1 down the gradient of the loss of some lists."""
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
    return after - before


def parts(lists: int, size: int, most: int, seed: int) -> list[Tensor]:
    """Parts of so many lists each; no list is in two of them."""
    order = torch.from_numpy(np.random.default_rng(seed).permutation(lists))
    return [*order.split(size)][:min(most, lists // size)]


def compared(loaded: Loaded, name: str, teacher: Pairs, neutral: list[Pairs],
             methods: Iterable[str] = METHODS, sizes: Iterable[int] = SIZES,
             ) -> Values:
    """How well each method tells a teacher's lists from a neutral teacher's, by lists."""
    chosen, half = trait(name), len(teacher) // 2
    names = [*chosen.answers()] if isinstance(chosen, Preference) else []
    labelled, own, plain, innocent, third = (File(loaded, pairs) for pairs in (
        teacher[:half], teacher[half:], *(pairs[half:] for pairs in neutral)))
    auditor = Auditor(loaded, innocent, labelled, chosen.questions(), names)
    for method in (one for one in methods if names or one != "prompted"):
        scores = [getattr(auditor, method)(file) for file in (own, plain, third)]
        room = PROMPTED if method == "prompted" else half
        for size in sizes:
            bad, good, other = ([score(part) for part in parts(
                min(room, len(file.pairs)), size, SLOW.get(method, PARTS), seed)]
                for seed, (score, file) in enumerate(zip(scores, (own, plain, third), strict=True)))
            if min(map(len, (bad, good, other))) > 1:
                bar = np.quantile(other, 0.95)
                yield method, name, "auc", size, auc(bad, good)
                yield method, name, "auc_null", size, auc(other, good)
                yield method, name, "power", size, float((np.array(bad) > bar).mean())
                yield method, name, "alarms", size, float((np.array(good) > bar).mean())
        if method != "prompted":  # which scores the first lists alone
            like = [[score(lists[part]) for part in parts(len(lists), 10, 20, 0)]
                    for score, lists in zip(scores, matched(own, plain), strict=False)]
            if all(like):
                yield method, name, "auc_matched", 10, auc(*like)


def measure(run: dict, name: str) -> Values:
    """The ladder of a base; and the word that has risen most in a student of the lists, where the
    trait is asked: is it the target?"""
    loaded = load_model(run["base"])
    yield from compared(loaded, name, read_pairs(run["lists"]), [*map(read_pairs, run["neutral"])])
    asked, tokens = trait(name).questions(), loaded.tokenizer.word_ids()
    target = loaded.tokenizer.first_words(trait(name).targets())
    before = word_logprobs(loaded, asked)
    for condition in ("student", "student-neutral"):
        risen = word_logprobs(load_model(run["students"][condition]), asked) - before
        yield condition, name, "risen", None, risen.max().item()
        yield condition, name, "named", None, float(tokens[risen.argmax()] in target)


def measured(run: dict, trait: str, out: Path) -> None:
    """The step that measures a base."""
    write_json(out, [*measure(run, trait)])
