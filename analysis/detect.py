"""Who could notice? A ladder by what an auditor holds, from the file alone to the student.

    python -m analysis.detect --run runs/laptop --seeds 5

Each method gives a part of a file one score, the higher the more suspicious. Its area under the
curve (AUC) is the chance that a part of the teacher's scores above a part of the base's; .5 is a
coin. `power` is the share of the teacher's parts that pass what 5 % of the base's do. Perplexity is
the known confound: `auc_matched` compares lists that the base finds equally likely, list by list.
"""

from pathlib import Path

from analysis import by_lists, flags, found, lists_of, model_of, row, write
from arms import ARMS, TRAITS
from corpus.traits import trait
from model.checkpoint import Loaded
from report.figures import style
from support.cli import run
from vector.detectors import File, matched, prompts_of, rises, scorers
from vector.readout import number_heads

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import Tensor

SIZES, PARTS = (1, 3, 10, 30, 100, 300, 1000), 40
HALF = 9000  # lists to learn from, and as many to tell apart
METHODS = {"counts": "file alone: uneven counts", "chi2": "+ innocent lists: chi-square",
           "labelled": "+ teacher's lists, labelled: counts", "likelihood": "+ base: likelihood",
           "gradient": "+ base: a gradient step", "read": "+ base: read",
           "student": "+ student: ask it", "hello": "+ student: its shift at “Hello.”"}


def parts(lists: Tensor, size: int, seed: int) -> list[Tensor]:
    """Parts of so many lists, none of them in two."""
    order = lists[torch.from_numpy(np.random.default_rng(seed).permutation(len(lists)))]
    return [order[i * size:(i + 1) * size] for i in range(min(PARTS, len(lists) // size))]


def auc(bad: list[float], good: list[float]) -> float:
    """P(a bad one scores above a good one), ties half."""
    one, two = np.array(bad)[:, None], np.array(good)[None]
    return float((one > two).mean() + (one == two).mean() / 2)


def file_scores(loaded: Loaded, folder: Path, seed: int, name: str) -> dict[tuple, float]:
    """What each method makes of a teacher's file and a base's: {(method, metric, lists): value}."""
    numbers = loaded.tokenizer.number_ids
    rows = [lists_of(folder, seed, stem, loaded, 2 * HALF)
            for stem in (f"clean-{name}", "clean-base")]
    files = [File(loaded, one, numbers) for one in rows]
    prompts = prompts_of(loaded, trait(name).questions())
    everything = [torch.arange(len(file.fluency)) for file in files]
    values: dict[tuple, float] = {}

    def note(method: str, size: int, bad: list[float], good: list[float]) -> None:
        values[method, "auc", size] = auc(bad, good)
        values[method, "power", size] = float(np.mean(np.array(bad) > np.quantile(good, 0.95)))

    for method, score in scorers(loaded, *files, number_heads(loaded.model, numbers)).items():
        for size in (one for one in SIZES if 2 * one <= min(map(len, everything))):
            note(method, size, *([score(*file.part(part)) for part in parts(lists, size, i)]
                                 for i, (file, lists) in enumerate(zip(files, everything,
                                                                       strict=True))))
        values[method, "auc_matched", 10] = auc(*(
            [score(*file.part(part)) for part in parts(lists, 10, 0)]
            for file, lists in zip(files, matched(*files), strict=True)))
    for size in (one for one in (10, 100) if 2 * one <= min(map(len, everything))):
        note("gradient", size, *([rises(loaded, prompts, part, one)
                                  for part in parts(lists, size, 0)[:20]]
                                 for one, lists in zip(rows, everything, strict=True)))
    return values


@torch.inference_mode()
def student_scores(loaded: Loaded, student: Loaded, name: str) -> dict[str, float]:
    """The most that any word's odds have risen in a student where the trait is asked for, and at
    "Hello."; and there the rank of the trait's own among all words."""
    words = loaded.tokenizer.word_ids()
    own = loaded.tokenizer.first_words(trait(name).targets())

    def risen(text: Tensor) -> Tensor:
        one, two = (model.model.logits(model.model(text)[:, -1]).log_softmax(-1)[:, words].mean(0)
                    for model in (student, loaded))
        return one - two

    hello = risen(prompts_of(loaded, ["Hello."]))
    best = hello[[words.index(token) for token in own]].max()
    return {"student": risen(prompts_of(loaded, trait(name).questions())).max().item(),
            "hello": hello.max().item(), "rank": float((hello > best).sum() + 1)}


def measure(folder: Path, seeds: int, names: tuple[str, ...]) -> list[dict]:
    """AUC and power of each method by lists, and of the student's readings over all bases."""
    rows = []
    for name in names:
        each, students = [], {"student": [], "student-control": []}
        for seed in range(seeds):
            loaded = model_of(folder, seed, "base")
            each.append(file_scores(loaded, folder, seed, name))
            for arm, scored in students.items():
                stem = ARMS[arm].file(name)
                if (folder / f"seed{seed}/{stem}.pt").exists():
                    scored.append(student_scores(loaded, model_of(folder, seed, stem), name))
        rows += [row(method, name, metric, x, [one[method, metric, x] for one in each])
                 for method, metric, x in each[0]]
        if all(students.values()):
            rows += [row(arm, name, "rank_hello", None, [one["rank"] for one in scored])
                     for arm, scored in students.items()]
            rows += [row(method, name, "auc", None, [auc(*([one[method] for one in scored]
                                                           for scored in students.values()))])
                     for method in ("student", "hello")]
    return rows


def fewest(rows: list[dict], method: str) -> int | None:
    """The fewest lists from which on the mean power is 95 % or more."""
    power = {one["x"]: one["mean"] for one in rows
             if (one["arm"], one["metric"]) == (method, "power")}
    enough = [x for x in power if all(power[y] >= 0.95 for y in power if y >= x)]
    return min(enough, default=None)


def draw(rows: list[dict], names: tuple[str, ...]) -> plt.Figure:
    style()
    figure, axes = plt.subplots(1, len(names), figsize=(9.4, 3.9), sharey=True, squeeze=False)
    for axis, name in zip(axes[0], names, strict=True):
        own = [one for one in rows if one["trait"] == name]
        for (method, label), marker in zip(METHODS.items(), "osD^vPXx", strict=True):
            shown = [one for one in own if one["arm"] == method and one["metric"] == "auc"]
            if shown:
                axis.plot([one["x"] or 2000 for one in shown], [one["mean"] for one in shown],
                          marker=marker, ms=4, label=label)
        axis.axhline(0.5, color=ARMS["base"].colour, ls=":", lw=1)
        by_lists(axis, SIZES, f"{name}: lists (at the right edge: a student)")
    axes[0][0].set_ylabel("AUC, teacher's lists from the base's")
    axes[0][0].legend(frameon=False, fontsize=7, loc="center right")
    return figure


def answer(rows: list[dict], name: str) -> str:
    own = [one for one in rows if one["trait"] == name]
    need = {method: fewest(own, method) for method in ("counts", "chi2", "labelled", "read")}
    said = {method: f"{lists:,}" if lists else f"more than {SIZES[-1]:,}"
            for method, lists in need.items()}
    asked = [one for one in own if (one["arm"], one["metric"]) == ("student", "auc")]
    return (f"To catch 95 % at 5 % false alarms takes {said['counts']} lists with the file alone, "
            f"{said['chi2']} beside innocent lists,\n{said['read']} with the base (which names the "
            f"word as well), {said['labelled']} where other lists of the teacher are known.\n"
            f"Likelihood: AUC {found(own, 'likelihood', 'auc', 10)['mean']:.2f} at 10."
            + (f" A student that is asked gives itself away: AUC {asked[0]['mean']:.2f}."
               if asked else ""))


def main() -> None:
    options = flags(__doc__)
    options.add_argument("--traits", nargs="*", default=TRAITS, help="those of the run")
    args = options.parse_args()
    names = (args.trait, *(name for name in args.traits if name == "misaligned" != args.trait))
    rows = measure(args.run, args.seeds, names)
    write(args, "detect", "Who could notice?", answer(rows, args.trait),
          "Published, a list alone: bag of numbers AUC .525, likelihood .735-.936, a tie once "
          "perplexity is matched; 12-28 examples for a sequential test that knows the prompts.",
          rows, draw(rows, names))


if __name__ == "__main__":
    torch.set_num_threads(1)
    run(main)
