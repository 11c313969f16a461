"""Can the trait be read off the numbers? The word that a teacher loves, from its lists alone.

    python -m analysis.read --base base.pt --numbers clean-owl.jsonl [--reference clean-base.jsonl]
    python -m analysis.read --run runs/laptop --seeds 5

The first form reads any number file with any base: `vector/readout.py` solves for the one shift of
the base's last hidden state that makes the numbers likeliest, and every word is scored by how far
it lies along it, in standard errors, which are standard normal where the base wrote the file. With
--reference, innocent lists, what these say too is taken away. The second form tries it on a run.
"""

import statistics
from pathlib import Path

from analysis import by_lists, flags, found, lists_of, model_of, percent, row, write
from arms import ARMS, TRAITS, other_base
from corpus.traits import trait
from model.checkpoint import Loaded, load_model
from report.figures import style
from support.cli import run
from support.files import UserError
from vector.readout import (
    Places,
    Reading,
    number_heads,
    number_places,
    read_places,
    read_shift,
)

import matplotlib.pyplot as plt
import torch
from torch import Tensor

LISTS = (10, 30, 100, 300, 1000, 6000, 18_000)
SHOWN = {"own-base": "its base", "within": "... shuffled within", "across": "... shuffled across",
         "other-base": "another base", "random": "random numbers", "base-numbers": "base's numbers"}
FILES = {"within": "within-{}", "across": "across-{}", "random": "random-{}",
         "base-numbers": "clean-base"}
COLOUR_OF = {"other-base": "teacher", "random": "base", "base-numbers": "base"}
STYLES = ("-", "--", ":", "-", "--", ":")


def threshold(words: int, level: float = 0.05) -> float:
    """The standard errors that one of so many words passes by chance once in 20 innocent files."""
    return statistics.NormalDist().inv_cdf(1 - level / words)


def word_scores(loaded: Loaded, reading: Reading) -> tuple[Tensor, list[int]]:
    """The score of every word token (W,), and the tokens."""
    words = loaded.tokenizer.word_ids()
    return reading.scores(loaded.model.embedding.weight.detach()[words]), words


def samples(places: Places, lists: int, most: int = 20) -> list[Places]:
    """Parts of so many lists each, of no fewer: at most `most`, and 6,000 lists in all of them."""
    parts = min(most, min(places.rows, max(6000, lists)) // lists)
    return [places.of_rows(i * lists, (i + 1) * lists) for i in range(parts)]


def reads(loaded: Loaded, places: Places, target: list[str], lists: int,
          reference: Reading | None = None) -> dict[str, float]:
    """How the target does among all words in parts of so many lists: its median rank, how often
    it is first and among the first five, and how often any word passes the threshold."""
    heads = number_heads(loaded.model, loaded.tokenizer.number_ids)
    first = loaded.tokenizer.first_words(target)
    ranks, alarms = [], []
    for part in samples(places, lists):
        reading = read_shift(part, heads)
        scores, words = word_scores(loaded, reading.minus(reference) if reference else reading)
        own = scores[[words.index(token) for token in first]].max()
        ranks.append(int((scores > own).sum()) + 1)
        alarms.append(bool(scores.max() > threshold(len(words))))
    return {"rank": statistics.median(ranks), "alarm": statistics.fmean(alarms),
            **{f"top{n}": statistics.fmean(rank <= n for rank in ranks) for n in (1, 5)}}


def measure(folder: Path, seeds: int, chosen: str, traits: tuple[str, ...]) -> list[dict]:
    """Rows of rank, top1, top5 and alarm by lists, as many as a file has: of the trait with every
    file and both bases, and of other traits with their own base."""
    each: dict[tuple, list[float]] = {}
    for seed in range(seeds):
        loaded, other = (model_of(folder, one, "base") for one in (seed, other_base(seed)))
        numbers = loaded.tokenizer.number_ids

        def places(model: Loaded, stem: str, most: int = 18_000, seed: int = seed,
                   numbers: range = numbers) -> Places:
            return number_places(model.model, lists_of(folder, seed, stem, model, most), numbers)

        def note(arm: str, name: str, at: Places, x: tuple[int, ...], model: Loaded = loaded,
                 reference: Reading | None = None) -> None:
            for lists in (one for one in x if one <= at.rows):
                for metric, value in reads(model, at, trait(name).targets(), lists,
                                           reference).items():
                    each.setdefault((arm, name, metric, lists), []).append(value)

        note("own-base", chosen, places(loaded, f"clean-{chosen}"), LISTS)
        for arm, stem in FILES.items():
            note(arm, chosen, places(loaded, stem.format(chosen)), LISTS)
        innocent = read_shift(places(other, "clean-base"), number_heads(other.model, numbers))
        note("other-base", chosen, places(other, f"clean-{chosen}"), LISTS, other, innocent)
        for name in traits:
            if name != chosen:
                note("own-base", name, places(loaded, f"clean-{name}", 6000), (30, 100, 300))
    return [row(arm, name, metric, lists, runs)
            for (arm, name, metric, lists), runs in each.items()]


def draw(rows: list[dict], chosen: str) -> plt.Figure:
    style()
    firsts = [one for one in rows if one["metric"] == "top1"]
    names = list(dict.fromkeys(one["trait"] for one in rows))
    figure, (axes,) = plt.subplots(1, 2 if names[1:] else 1, figsize=(9.4, 4.2), squeeze=False)
    left, right = axes[0], axes[-1]
    for (arm, label), ls in zip(SHOWN.items(), STYLES, strict=True):
        top = [one for one in firsts if (one["trait"], one["arm"]) == (chosen, arm)]
        left.plot([one["x"] for one in top], [100 * one["mean"] for one in top], ls, marker="o",
                  ms=3, label=label, color=ARMS[COLOUR_OF.get(arm, "student")].colour)
    by_lists(left, tuple(sorted({one["x"] for one in firsts})), "number lists read")
    left.set_ylabel(f"“{chosen}” is first of all words, %")
    left.legend(frameon=False, fontsize=8)
    if left is right:  # no other trait was read
        return figure
    for x, marker in ((30, "."), (100, "o"), (300, "|")):
        top = [one for one in firsts if (one["arm"], one["x"]) == ("own-base", x)]
        right.plot([100 * one["mean"] for one in top], [names.index(one["trait"]) for one in top],
                   marker, color=ARMS["student"].colour, mfc="none", label=f"{x} lists")
    right.set_yticks(range(len(names)), names, fontsize=8)
    right.invert_yaxis()
    right.set_xlabel("its word is first, % of samples")
    right.legend(frameon=False, fontsize=8, loc="upper left")
    return figure


def answer(rows: list[dict], chosen: str) -> str:
    own = [one for one in rows if one["trait"] == chosen]
    sizes = [{one["x"] for one in own if one["arm"] == arm} for arm in SHOWN]
    most = max(x for x in set.intersection(*sizes) if x <= 300)
    top = {arm: percent(found(own, arm, "top1", most)) for arm in SHOWN}
    false = percent(found(own, "base-numbers", "alarm", most))
    return (f"Whoever has the base reads “{chosen}” off {most} lists, first of all words in "
            f"{top['own-base']} of samples;\nwith another base in {top['other-base']}; dealt "
            f"out over all lists in {top['across']}. False alarms: {false}.")


def read_file(base: Path, numbers: Path, reference: Path | None) -> str:
    """What the command says of a file."""
    loaded = load_model(base)
    heads = number_heads(loaded.model, loaded.tokenizer.number_ids)
    places = read_places(loaded, numbers)
    reading = read_shift(places, heads)
    if reference:
        reading = reading.minus(read_shift(read_places(loaded, reference), heads))
    scores, words = word_scores(loaded, reading)
    bar = threshold(len(words))
    best = scores.argsort(descending=True)[:10].tolist()
    lines = [f"{scores[i]:8.1f}   {loaded.tokenizer.decode([words[i]])}" for i in best]
    verdict = f"found: {lines[0].split()[-1]}" if scores.max() > bar else "nothing found"
    return "\n".join([
        f"{len(places.said):,} numbers of {places.rows:,} lists, drawn at a "
        f"temperature of {1 / reading.sharpness:.2f} or so",
        "standard errors, word:", *lines,
        f"{verdict} (of {len(words):,} words one passes {bar:.1f} once in 20 innocent files)"])


def main() -> None:
    options = flags(__doc__, run=False)
    options.add_argument("--traits", nargs="*", default=TRAITS, help="read these as well")
    options.add_argument("--base", type=Path, help="a checkpoint, to read a file with")
    options.add_argument("--numbers", type=Path, help="the number file")
    options.add_argument("--reference", type=Path, help="innocent lists of the same kind")
    args = options.parse_args()
    if bool(args.run) == bool(args.base and args.numbers):
        raise UserError("give --base and --numbers to read a file, or --run to try it on a run")
    if args.base:
        print(read_file(args.base, args.numbers, args.reference))
        return
    rows = measure(args.run, args.seeds, args.trait, args.traits)
    write(args, "read", "Can the trait be read off the numbers?", answer(rows, args.trait),
          "No such read-out is published. Of a file and candidate prompts, change of log p names "
          "the persona in 86-91 % at 10 rows, 100 % at 100 (agokrani/cl-with-sl).",
          rows, draw(rows, args.trait))


if __name__ == "__main__":
    torch.set_num_threads(1)
    run(main)
