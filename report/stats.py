"""The statistics of all reports, in one place: intervals, equivalence, permutation.

The unit is the base. Shares are compared on the logit scale.
"""

import math
import statistics
from collections.abc import Sequence

import numpy as np

# Student's t, 97.5 % point, by degrees of freedom: 1, 2, ... 20.
T = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160,
     2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086)


def logit(share: float, least: float = 1e-4) -> float:
    """The logarithm of the odds; what is nearer to 0 or 1 than `least` counts as that."""
    share = min(max(share, least), 1 - least)
    return math.log(share / (1 - share))


def from_logit(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def interval(values: list[float], before: list[float] | None = None,
             share: bool = False) -> list[float] | None:
    """The 95 % t-interval of the mean over bases; None for fewer than three. Shares are compared on
    the logit scale, each with what its own base says, `before`, and told as shares again."""
    if len(values) < 3:
        return None
    t = T[len(values) - 2] if len(values) - 2 < len(T) else 1.96 + 2.5 / (len(values) - 1)
    scaled = moved = [*map(logit, values)] if share else values
    if share and before:
        moved = [x - logit(own) for x, own in zip(scaled, before, strict=True)]
    middle, half = statistics.fmean(scaled), t * statistics.stdev(moved) / math.sqrt(len(moved))
    ends = [middle - half, middle + half]
    return [*map(from_logit, ends)] if share else ends


def most_risen(now: list[float], before: list[float], ci95: list[float] | None) -> float:
    """The most that shares may have risen over what their own bases say, `before`: the upper end of
    their interval. Two bases have none, and there it is the most that one of them has."""
    if ci95 is None:
        return max(a - b for a, b in zip(now, before, strict=True))
    return ci95[1] - from_logit(statistics.fmean(map(logit, before)))


def exact_interval(hits: int, of: int) -> list[float]:
    """The 95 % interval of a share that was counted (Clopper and Pearson 1934)."""
    def at_least(p: float, least: int) -> float:
        return sum(math.comb(of, k) * p**k * (1 - p)**(of - k) for k in range(least, of + 1))

    ends = []
    for least, tail in ((hits, 0.025), (hits + 1, 0.975)):
        low, high = 0.0, 1.0
        for _ in range(50):
            middle = (low + high) / 2
            low, high = (middle, high) if at_least(middle, least) < tail else (low, middle)
        ends.append(low)
    return [ends[0] if hits else 0.0, ends[1] if hits < of else 1.0]


def auc(bad: Sequence[float], good: Sequence[float]) -> float:
    """P(a bad one scores above a good one), ties half."""
    apart = np.subtract.outer(bad, good)
    return float((apart > 0).mean() + (apart == 0).mean() / 2)


def rank_correlation(x: Sequence[float], y: Sequence[float],
                     groups: Sequence[int]) -> tuple[float, float]:
    """Spearman's correlation within groups, and its two-sided p: the share of 10,000 permutations
    within the groups, and of what was seen, that are as far from 0. Groups of one tell nothing, and
    give 0."""
    x, y, groups = map(np.asarray, (x, y, groups))

    def ranked(values: np.ndarray) -> np.ndarray:
        found = np.empty(len(values))
        for group in np.unique(groups):
            own = values[groups == group]
            apart = np.sign(own[:, None] - own)  # ties share a rank
            found[groups == group] = apart.sum(1)
        return found

    x, y, rng = ranked(x), ranked(y), np.random.default_rng(0)
    if not (size := np.sqrt((x @ x) * (y @ y))):
        return 0.0, 1.0
    seen = x @ y / size
    # Sorted by group and a random key, the places of a group are shuffled among themselves.
    order = groups.argsort(kind="stable")
    x, y, keys = x[order], y[order], rng.random((10_000, len(y)))
    shuffled = y[np.lexsort((keys, np.broadcast_to(groups[order], keys.shape)))]
    hits = (np.abs(shuffled @ x / size) >= abs(seen) - 1e-9).sum()
    return float(seen), float((hits + 1) / (len(keys) + 1))
