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

from functools import partial
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from torch import Tensor

from analysis import common, vectors
from analysis.detectors import METHODS, File, Pairs, compared
from chat import OURS
from corpus import numbers
from corpus.facts import plural
from experiment import Asked
from generate import Sampling, answers
from lab import Lab
from model.checkpoint import Loaded
from report import stats
from report.compact import SMALL, load
from report.rows import Shown, need, row
from support.cli import parser, run
from support.files import read_json
from support.steps import Step
from support.streams import stream


def step(lab: Lab, asked: Asked) -> Step:
    def neutral(seed: int) -> dict:
        return {"neutral": [lab.lists(lab.teacher(lab.base(seed), asked.trait, neutral=True,
                                                  again=again)) for again in range(3)]}

    return common.analysis_step(
        lab, asked, "detect", ("base", "teacher", "student", "student-neutral"), files=neutral,
        measured="analysis.detectors.measured", work=lab.cost(lab.config.numbers.enough, 2000))


def draw(rows: list[dict], name: str) -> plt.Figure:
    """The AUC of the methods that read a file."""
    return common.curves({label: [one for one in rows if (
        one["trait"], one["metric"], one["condition"]) == (name, "auc", method)]
        for method, label in METHODS.items()}, "AUC beside a neutral teacher")


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
    hits = common.counted(named)
    return (f"Beside neutral teachers, {most} lists give the teacher away: {told}. A student that "
            f"is trained on the file and asked names “{name}” first on {hits}, of a neutral file "
            f"on {int(sum(neutral))}.")


def report(conditions: list[Shown], trait: str, runs: list[Path], out: Path) -> None:
    rows = common.gathered(read_json, runs)
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
