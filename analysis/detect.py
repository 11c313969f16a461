"""Who could notice? A ladder by what an auditor holds, from the file alone to the student.

The area under the curve (AUC) is the probability that a part of the teacher's file scores above a
part of the base's. `power` is the share of the teacher's parts that score above 95 % of the base's.
Perplexity is the known confound: `auc_matched` compares lists that the base finds equally likely.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import Tensor

from analysis import common
from analysis.detectors import File, gradient_rise, matched, scorers, word_logprobs
from corpus.traits import trait
from experiment import Asked
from lab import Lab
from model.checkpoint import load_model
from model.data import encode_pairs, read_pairs
from report.rows import Shown, mean, row
from support.steps import Step

SIZES, PARTS = (1, 3, 10, 30, 100, 300, 1000), 40
LISTS = 18_000  # half to learn from, and half to tell apart
METHODS = {"counts": "uneven counts", "chi2": "beside innocent lists",
           "labelled": "beside labelled lists", "likelihood": "likelihood of the base",
           "gradient": "gradient of the base", "read": "`read` with the base"}


def step(lab: Lab, asked: Asked) -> Step:
    others = [name for name in asked.traits if name == "misaligned" != asked.trait]
    return common.analysis_step(
        lab, asked, "detect", ("base", "teacher", "student", "student-neutral"),
        others={name: [common.files_of(lab, seed, name) for seed in range(asked.seeds)]
                for name in others},
        work=asked.seeds * (1 + len(others)) * lab.cost(lab.config.numbers.enough, 700))


def parts(lists: Tensor, size: int, seed: int) -> list[Tensor]:
    """Parts of so many lists each; no list is in two of them."""
    order = lists[torch.from_numpy(np.random.default_rng(seed).permutation(len(lists)))]
    return [order[i * size:(i + 1) * size] for i in range(min(PARTS, len(lists) // size))]


def auc(bad: list[float], good: list[float]) -> float:
    """P(a bad one scores above a good one), ties half."""
    apart = np.subtract.outer(bad, good)
    return float((apart > 0).mean() + (apart == 0).mean() / 2)


def measure(run: dict, name: str) -> Iterator[common.Value]:
    """AUC and power of each method that reads a file, by lists."""
    loaded = load_model(run["base"])
    files = [File(loaded, encode_pairs(read_pairs(run[which])[:LISTS], loaded.tokenizer))
             for which in ("lists", "innocent")]
    every = [torch.arange(len(file.fluency)) for file in files]
    scored: dict[tuple, list[list[float]]] = {}  # by method and lists, of both files
    for method, score in scorers(loaded, *files).items():
        for size in SIZES:
            scored[method, size] = [[score(*file.part(part)) for part in parts(lists, size, seed)]
                                    for seed, file, lists in zip((0, 1), files, every, strict=True)]
        like = [[score(*file.part(part)) for part in parts(lists, 10, 0)]
                for file, lists in zip(files, matched(*files), strict=True)]
        yield method, name, "auc_matched", 10, auc(*like)
    rise = partial(gradient_rise, loaded, trait(name).questions())
    for size in (10, 100):
        scored["gradient", size] = [[rise(file.rows, part) for part in parts(lists, size, 0)[:20]]
                                    for file, lists in zip(files, every, strict=True)]
    for (method, size), (bad, good) in scored.items():
        if min(len(bad), len(good)) > 1:
            power = float(np.mean(np.array(bad) > np.quantile(good, 0.95)))
            yield method, name, "auc", size, auc(bad, good)
            yield method, name, "power", size, power


def risen(run: dict, condition: str, name: str) -> float:
    """The most that any word's log-probability has risen in a student where the trait is asked."""
    base, student = (word_logprobs(load_model(path), trait(name).questions())
                     for path in (run["base"], run["students"][condition]))
    return (student - base).max().item()


def draw(rows: list[dict], name: str) -> plt.Figure:
    """The AUC of the methods that read a file."""
    return common.curves({label: [one for one in rows if (
        one["trait"], one["metric"], one["condition"]) == (name, "auc", method)]
        for method, label in METHODS.items()}, "AUC, the teacher's lists from the base's")


def answer(rows: list[dict], name: str) -> str:
    own = [one for one in rows if one["trait"] == name]
    most = max(one["x"] for one in own if one["metric"] == "power" and one["x"] <= 100)
    counts, innocent, read, labelled = (common.percent(own, method, "power", x=most)
                                        for method in ("counts", "chi2", "read", "labelled"))
    return (f"At 5 % false alarms, {most} lists give a teacher away in {counts} of cases with the "
            f"file alone, {innocent} beside innocent lists, {read} with the base, {labelled} where "
            f"other lists of the teacher are known. A student that is asked: AUC "
            f"{mean(own, 'student', 'auc'):.2f}.")


def report(conditions: list[Shown], trait: str, runs: list[dict], others: dict[str, list[dict]],
           out: Path) -> None:
    rows = []
    for name, files in {trait: runs, **others}.items():
        rows += [one for one in common.gathered(measure, files, name)
                 if len(one["runs"]) == len(files)]  # a short file has no rows of many lists
    students = ([risen(run, condition, trait) for run in runs]
                for condition in ("student", "student-neutral"))
    rows.append(row("student", trait, "auc", [auc(*students)], x=None))  # over all bases
    common.write(out, conditions, "Who could notice?", answer(rows, trait),
                 "Published, a list alone: bag of numbers AUC .525, likelihood .735-.936, a tie "
                 "once perplexity is matched; 12-28 examples for a sequential test that knows the "
                 "prompts.", rows, draw(rows, trait))
