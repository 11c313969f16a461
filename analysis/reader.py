"""How well words are read off the lists of files: in parts, with a neutral teacher's to take away.

What takes long stands here, apart from what is made of it (`analysis/read.py`): a figure that is
drawn otherwise measures nothing again.
"""

import statistics
from pathlib import Path

from torch import Tensor

from analysis.readout import (
    Places,
    Reading,
    Values,
    inverse_temperature_of,
    misfit,
    number_embedding,
    read_places,
    read_shift,
)
from corpus.traits import Trait, trait
from model.checkpoint import Loaded, load_model
from support.files import write_json

LISTS, FEW = (10, 30, 100, 300, 1000, 6000, 18_000), (30, 100, 300)
FAR, HOT = 0.1, 5.0  # a file with more misfit, or drawn hotter, was written by somebody else


def threshold(words: int) -> float:
    """The standard errors that any of so many words passes in one of 20 innocent files."""
    return statistics.NormalDist().inv_cdf(1 - 0.05 / words)


def word_scores(loaded: Loaded, places: Places,
                reference: Reading | None = None) -> tuple[Tensor, list[int]]:
    """The score of every word token (W,), and the tokens."""
    words = loaded.tokenizer.word_ids()
    reading = read_shift(places, number_embedding(loaded), reference)
    return reading.scores(loaded.model.embedding.weight.detach()[words]), words


def reads(loaded: Loaded, places: Places, chosen: Trait, lists: int,
          reference: Reading) -> dict[str, float]:
    """How the target does among all words, in at most 20 parts of so many lists: its median rank,
    how often it is first of them, and first of its category; how often any word passes the
    threshold, and how often the base is told not to have written the part."""
    first = loaded.tokenizer.first_words(chosen.targets())
    rivals = loaded.tokenizer.first_words([*chosen.answers()])
    ranks, best, alarms, strange = [], [], [], []
    for i in range(min(20, min(places.rows, max(6000, lists)) // lists)):
        part = places.of_rows(i * lists, (i + 1) * lists)
        scores, words = word_scores(loaded, part, reference)
        own, others = (scores[[words.index(token) for token in tokens]].max()
                       for tokens in (first, rivals))
        ranks.append(int((scores > own).sum()) + 1)
        best.append(bool(own >= others))
        alarms.append(bool(scores.max() > threshold(len(words))))
        strange.append(stranger(loaded, part))
    return {"rank": statistics.median(ranks), "alarm": statistics.fmean(alarms),
            "top1": statistics.fmean(rank == 1 for rank in ranks),
            "best": statistics.fmean(best), "stranger": statistics.fmean(strange)}


def stranger(loaded: Loaded, places: Places) -> bool:
    """Whether some lists fit the base so badly that neither it nor a copy of it wrote them."""
    embedding = number_embedding(loaded)
    return misfit(places, embedding) > FAR or (
        1 / inverse_temperature_of(places, embedding) > HOT)


def measure(run: dict, chosen: str) -> Values:
    """How the trait does by lists, as many as a file has, with every file and both bases; and how
    other traits do with their own base. What a neutral teacher's lists say is taken away."""
    base, other = load_model(run["base"]), load_model(run["other_base"])
    plain, innocent = run["neutral"]
    usual, usual_other = (read_shift(read_places(loaded, innocent, LISTS[-1]),
                                     number_embedding(loaded)) for loaded in (base, other))
    files = {"own-base": run["lists"], **run["treated"], "neutral": plain}
    asked = [(condition, chosen, base, path, LISTS, usual) for condition, path in files.items()]
    asked += [("other-base", chosen, other, run["lists"], LISTS, usual_other)]
    asked += [("own-base", name, base, path, FEW, usual) for name, path in run["others"].items()]
    for condition, name, loaded, path, sizes, reference in asked:
        places = read_places(loaded, path, max(6000, sizes[-1]))
        for lists in (size for size in sizes if size <= places.rows):
            found = reads(loaded, places, trait(name), lists, reference)
            yield from ((condition, name, metric, lists, value) for metric, value in found.items())


def measured(run: dict, trait: str, out: Path) -> None:
    """The step that measures a base."""
    write_json(out, [*measure(run, trait)])
