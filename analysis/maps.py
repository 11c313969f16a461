"""Maps of the 1,000 numbers onto themselves, by which lists are written anew for another base."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from analysis.readout import number_embedding
from controls import Given, Lists, write_treated
from corpus.traits import trait as trait_of
from model.checkpoint import Loaded, load_model, require_same_tokenizer

NEAR = 20  # numbers of which one is taken by chance: what each says besides is averaged out


def lean(loaded: Loaded, name: str) -> Tensor:
    """How much each number is raised where the state goes the way of a trait's word, (1000,)."""
    tokens = sorted(loaded.tokenizer.first_words(trait_of(name).targets()))
    return number_embedding(loaded) @ loaded.model.embedding.weight.detach()[tokens].mean(0)


def by_rank(own: Tensor, other: Tensor) -> Tensor:
    """The number of each rank goes to the number of the same rank."""
    found = torch.empty(len(own), dtype=torch.long)
    found[own.argsort()] = other.argsort()
    return found


def likeness(own: Loaded, other: Loaded) -> Tensor:
    """The cosine of each of one base's numbers with each of the other's, (1000, 1000), where all
    words, and no trait, say how the states of the two lie to each other: the linear map that takes
    the words' embeddings of the one nearest to the other's."""
    words = own.tokenizer.word_ids()
    mine, theirs = (one.model.embedding.weight.detach().double() for one in (own, other))
    turn = torch.linalg.lstsq(mine[words], theirs[words]).solution
    here, there = (vectors - vectors.mean(0) for vectors in (
        number_embedding(own).double() @ turn, number_embedding(other).double()))
    return torch.nn.functional.normalize(here) @ torch.nn.functional.normalize(there).T


def assigned(likeness: Tensor, temperature: float = 0.02, rounds: int = 300) -> Tensor:
    """The permutation under which the likeness is about the largest: scaled to equal sums of rows
    and columns (Sinkhorn 1964), then the surest pairs first."""
    plan = likeness / temperature
    for _ in range(rounds):
        plan = plan - plan.logsumexp(1, keepdim=True)
        plan = plan - plan.logsumexp(0, keepdim=True)
    found, taken = [-1] * len(plan), [False] * len(plan)
    left = len(plan)
    for place in plan.flatten().argsort(descending=True).tolist():
        row, column = divmod(place, len(plan))
        if found[row] < 0 and not taken[column]:
            found[row], taken[column], left = column, True, left - 1
            if not left:
                break
    return torch.tensor(found)


def map_of(how: str, own: Loaded, other: Loaded, name: str, onto: str, seed: int) -> Tensor:
    """Of each number of one base, those of the other that take its place: (1000, 1 or NEAR)."""
    require_same_tokenizer(own.tokenizer, "the other base", other.tokenizer)
    if how == "random":
        return torch.from_numpy(np.random.default_rng(seed).permutation(1000))[:, None]
    if how == "lean":
        return by_rank(lean(own, name), lean(other, onto))[:, None]
    found = likeness(own, other)
    if how == "assigned":
        return assigned(found)[:, None]
    return found.topk({"nearest": 1, "spread": NEAR}[how]).indices


def recode(how: str, lists: Path, base: Path, other: Path, trait: str, onto: str, seed: int,
           out: Path) -> str:
    """Write lists of a base in the numbers of another one, by a map: `random`; `lean`, by rank of
    the lean to the `trait` here and `onto` there; or `assigned`, one to one, `nearest`, many to
    one, and `spread`, one of those that are nearest by chance, none of which knows a trait."""
    there = map_of(how, load_model(base), load_model(other), trait, onto, seed).tolist()

    def recoded(given: Given) -> Lists:
        return [[str(given.rng.choice(there[int(number)])) for number in numbers]
                for numbers in given.lists]

    return write_treated(recoded, how, lists, seed, out)
