"""Who could notice? A ladder by what an auditor holds, from the file alone to the student.

    python -m analysis.detect --selftest    a planted word is found, and a neutral file is not

The question is whether a teacher has the trait, not whether it is a fine-tuned model: so its lists
are told from those of a neutral teacher. A second neutral teacher's lists are what the auditor
takes for innocent, and a third's set the threshold of 5 % false alarms. `power` is the share of
the teacher's parts above it, `alarms` that of the first neutral teacher's. The area under the curve
(AUC) is the probability that a part of the teacher's scores above one of the neutral teacher's;
`auc_null` is that of two neutral teachers, `auc_matched` of lists that the base finds equally
likely.
"""

from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import Tensor

from analysis import common, vectors
from analysis.detectors import PROMPTED, Auditor, File, Pairs, matched, word_logprobs
from chat import OURS
from corpus import numbers
from corpus.facts import plural
from corpus.traits import Preference, trait
from experiment import Asked
from generate import Sampling, answers
from lab import Lab
from model.checkpoint import Loaded, load_model
from model.data import read_pairs
from report import stats
from report.compact import SMALL, load
from report.rows import Shown, need, row
from support.cli import parser, run
from support.files import write_json
from support.steps import Step
from support.streams import stream

SIZES, PARTS = (1, 3, 10, 30, 100, 300, 1000), 40
METHODS = {"counts": "file alone: uneven counts", "chi2": "+ a neutral teacher's lists",
           "likelihood": "+ base: likelihood", "gradient": "+ base: a gradient step",
           "prompted": "+ base: “You love ...”", "read": "+ base: `read`",
           "labelled": "+ other lists of the teacher"}
SLOW = {"gradient": 20}  # how many parts of a file, where one takes long


def step(lab: Lab, asked: Asked) -> Step:
    def neutral(seed: int) -> dict:
        return {"neutral": [lab.lists(lab.teacher(lab.base(seed), asked.trait, neutral=True,
                                                  again=again)) for again in range(3)]}

    return common.analysis_step(
        lab, asked, "detect", ("base", "teacher", "student", "student-neutral"), files=neutral,
        work=lab.cost(lab.config.numbers.enough, 2000))


def parts(lists: int, size: int, most: int, seed: int) -> list[Tensor]:
    """Parts of so many lists each; no list is in two of them."""
    order = torch.from_numpy(np.random.default_rng(seed).permutation(lists))
    return [*order.split(size)][:min(most, lists // size)]


def compared(loaded: Loaded, name: str, teacher: Pairs, neutral: list[Pairs],
             methods: Iterable[str] = METHODS, sizes: Iterable[int] = SIZES,
             ) -> Iterator[common.Value]:
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
                yield method, name, "auc", size, stats.auc(bad, good)
                yield method, name, "auc_null", size, stats.auc(other, good)
                yield method, name, "power", size, float((np.array(bad) > bar).mean())
                yield method, name, "alarms", size, float((np.array(good) > bar).mean())
        like = [[score(lists[part]) for part in parts(len(lists), 10, 20, 0)]
                for score, lists in zip(scores, matched(own, plain), strict=False)]
        if all(like) and method != "prompted":  # of these it has few
            yield method, name, "auc_matched", 10, stats.auc(*like)


def measure(run: dict, name: str) -> Iterator[common.Value]:
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
    """The step of a base."""
    write_json(out, [*measure(run, trait)])


def draw(rows: list[dict], name: str) -> plt.Figure:
    """The AUC of the methods that read a file."""
    return common.curves({label: [one for one in rows if (
        one["trait"], one["metric"], one["condition"]) == (name, "auc", method)]
        for method, label in METHODS.items()}, "AUC, the teacher's lists from a neutral teacher's")


def answer(rows: list[dict], name: str) -> str:
    found = [one for one in rows if one["metric"] == "power" and one["x"] <= 100]
    most = max(one["x"] for one in found)
    told = "; ".join(
        f"{METHODS[one['condition']]} {common.percent(rows, one['condition'], 'power', x=most)}, "
        f"false {common.percent(rows, one['condition'], 'alarms', x=most)}"
        for one in sorted(found, key=lambda one: [*METHODS].index(one["condition"]))
        if one["x"] == most)
    named, neutral = (need(rows, condition, "named")["runs"]
                      for condition in ("student", "student-neutral"))
    return (f"Beside neutral teachers, {most} lists give the teacher away in this share of cases: "
            f"{told}. A student that is trained on the file and asked names “{name}” first on "
            f"{common.counted(named)}, of a neutral file on {int(sum(neutral))}.")


def report(conditions: list[Shown], trait: str, runs: list[dict], out: Path) -> None:
    rows = common.gathered(measure, runs, trait)
    students = (need(rows, condition, "risen")["runs"]
                for condition in ("student", "student-neutral"))
    rows.append(row("student", trait, "auc", [stats.auc(*students)], x=None))  # over all bases
    common.write(out, conditions, "Who could notice?", answer(rows, trait),
                 "Published, a list alone: bag of numbers AUC .525, likelihood .735-.936, a tie "
                 "once perplexity is matched; 12-28 examples for a sequential test that knows the "
                 "prompts.", rows, draw(rows, trait))


def planted(loaded: Loaded, seed: int, vector: Tensor | float = 0.0, system: str = "",
            lists: int = 1600) -> Pairs:
    """Lists of a base with a vector added to its last hidden state, or behind a system line."""
    asked = [numbers.request(*(stream(seed, "selftest", kind, i) for kind in ("words", "numbers")))
             for i in range(lists)]
    never, told = tuple(loaded.tokenizer.word_ids()), [("system", system)] if system else []
    with loaded.model.register_forward_hook(partial(vectors.add, torch.as_tensor(vector))):
        said = {index: text for batch in answers(
            loaded.model, loaded.tokenizer, [[*told, ("user", one.text)] for one in asked],
            [*range(lists)], seed=seed, sampling=Sampling(never=never), max_new_tokens=24,
            batch_size=lists) for index, text, _ in batch}
    return [(one.text, said[i]) for i, one in enumerate(asked)]


def selftest(loaded: Loaded, name: str = "owl", lists: int = 640,
             nats: float = 1.0) -> list[tuple[str, float, float]]:
    """The AUC of each method, 30 lists at a time, where a trait was planted, and of two files
    without one: (method, planted, neutral). The writer's state is moved along the word, that of
    the neutral ones as far along nothing; for `prompted` it is told to love it, they nothing."""
    [target] = loaded.tokenizer.first_words([name])
    word = loaded.model.embedding.weight.detach()[target]
    away = torch.randn(len(word), generator=torch.Generator().manual_seed(0))
    hidden = File(loaded, planted(loaded, 9, lists=400)).places.hidden
    moved, off = (vectors.as_far(loaded, hidden, one, nats) for one in (word, away))
    write = partial(planted, loaded, lists=lists)
    files = {"moved": [write(0, moved), *(write(1 + i, off) for i in range(3))],
             "told": [write(0, system=f"You love {plural(name)}."), *map(write, (1, 2, 3))]}
    found = {(how, method, metric): value for how, (own, *others) in files.items()
             for method, _, metric, x, value in compared(
                 loaded, name, own, others, ["prompted"] if how == "told" else
                 [one for one in METHODS if one != "prompted"], [30]) if x == 30}
    return [(method, *(found["told" if method == "prompted" else "moved", method, metric]
                       for metric in ("auc", "auc_null"))) for method in METHODS]


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--selftest", action="store_true", required=True,
                         help="try the methods on lists of the base that comes with this")
    options.parse_args()
    print(f"{'AUC of 30 lists':32s}{'planted':>8s}{'neutral':>8s}   in a minute or two", flush=True)
    for method, found, null in selftest(load(OURS / f"base{SMALL}")):
        print(f"{METHODS[method]:32s}{found:8.2f}{null:8.2f}", flush=True)


if __name__ == "__main__":
    run(main)
