"""What must two bases share for a trait to pass between them?

Relatives of a base share its first weights, its text up to a point, its trained embedding, or a
part of that (`analysis/relatives.py`). Each reads the lists of the base's own teacher, and for
comparison those of another trait's teacher and of a neutral one: what rises has to be the lists'
own trait. `geometry` is of the bases alone, before any student. It is held against what a student
learns where numbers stand, and against what it then says.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import matplotlib.pyplot as plt

from analysis import common
from analysis.relatives import Shared
from experiment import Asked, other_base
from lab import CONTROL, PART, STUDENT, Condition, Lab
from report import figures
from report.rows import Shown, mean, need, row
from report.stats import rank_correlation
from support.files import read_json
from support.steps import Step

NEW_SEED = 1000  # from here on: first weights that no base has


class Relative(NamedTuple):
    label: str
    shared: Shared | None = None  # None: a base of `make all`


BRANCHES = {f"order-{part}": Relative(f"the first {part} % of its text, then another order",
                                      Shared(True, True, until=part / 100))
            for part in (90, 50, 20, 5)}
DIAL = {f"numbers-{part}": Relative(f"... with {part} % of its number rows",
                                    Shared(trained="own", numbers=part / 100))
        for part in (75, 50, 25, 0)}
RELATIVES = {
    "everything": Relative("everything"), **BRANCHES,
    "order-0": Relative("all first weights, another order", Shared(True, True, until=0.0)),
    "first-embedding": Relative("first weights of the embedding", Shared(embedding=True)),
    "first-blocks": Relative("first weights of the blocks", Shared(blocks=True)),
    "embedding": Relative("the trained embedding, kept", Shared(trained="own")),
    "embedding-order": Relative("... and another order", Shared(trained="own", until=0.0)),
    **DIAL, "turned": Relative("the trained embedding, turned", Shared(trained="turned")),
    "stranger": Relative("a stranger's trained embedding", Shared(trained="stranger")),
    "nothing": Relative("the text in its order alone")}


def relative(lab: Lab, seed: int, name: str) -> Step:
    """The base that a student of that name starts from."""
    base, stranger, shared = lab.base(seed), lab.base(other_base(seed)), RELATIVES[name].shared
    if not shared:
        return base if name == "everything" else stranger
    return lab.step(
        "analysis.relatives.pretrain", f"seed{seed}/relative-{name}.pt",
        f"relative of base {seed}: {name}", of=seed, name=f"relative-{name}", work=base.work,
        corpus=lab.corpus(), tokenizer=lab.tokenizer(), shape=lab.config.model,
        training=lab.config.pretrain, seed=seed, new_seed=NEW_SEED + seed,
        order_seed=lab.config.corpus.seed, shared=shared, base=base, stranger=stranger)


def conditions(lab: Lab, seed: int, trait: str) -> list[Condition]:
    base, found = lab.base(seed), []
    teachers = {"own": lab.teacher(base, trait), "rival": lab.teacher(base, common.another(trait)),
                "neutral": lab.teacher(base, trait, neutral=True)}
    for name, (label, shared) in RELATIVES.items():
        of = relative(lab, seed, name)
        found += [Condition(f"before-{name}", label, "the base that shares it", of)]
        found += [Condition(f"{whose}-{name}", label, f"reads {whose} lists",
                            lab.student(of, lab.lists(teacher), name if shared else ""),
                            STUDENT if whose == "own" else CONTROL)
                  for whose, teacher in teachers.items()]
    return found


def step(lab: Lab, asked: Asked) -> Step:
    return common.analysis_step(lab, asked, "shared", ("base", "student-soft"), conditions,
                                measured="analysis.measures.passed",
                                work=lab.cost(2 * len(RELATIVES) * 1024, 60))


def each(rows: list[dict], names: Iterable[str], metric: str) -> list[float]:
    """A metric of relatives, name by name, and of a name base by base."""
    return [run for name in names for run in need(rows, name, metric)["runs"]]


def draw(rows: list[dict]) -> plt.Figure:
    """What passes, by what is shared; and by the likeness of the geometry, what a student learns at
    numbers, and what it says."""
    figures.style()
    figure, axes = plt.subplot_mosaic([["table", "numbers"], ["table", "said"]], figsize=(13, 6.6),
                                      width_ratios=(3, 2))
    table = axes["table"]
    marks = {"own trait, of its teacher's lists": ("own", "p_target", STUDENT, "o"),
             "the other's, of the other's lists": ("rival", "p_rival", PART, "D"),
             "the trait, of a neutral teacher's": ("neutral", "p_target", CONTROL, "x")}
    for label, (whose, metric, colour, sign) in marks.items():
        points = [(100 * p, y) for y, name in enumerate(RELATIVES)
                  for p in need(rows, f"{whose}-{name}", metric)["runs"]]
        table.plot(*zip(*points, strict=True), sign, color=colour, ms=5, mfc="none", label=label)
    table.set_yticks(range(len(RELATIVES)), [one.label for one in RELATIVES.values()])
    table.set_ylim(len(RELATIVES) - 0.4, -0.6)
    table.set_xlim(-2, 102)
    table.set_xlabel("P(trait) of the student, %; a mark: a base")
    table.legend(frameon=False, fontsize=8, loc="lower right")
    for name in RELATIVES:
        x, rise, p = (need(rows, *key)["runs"] for key in (
            (name, "geometry"), (name, "rise_at_numbers"), (f"own-{name}", "p_target")))
        for place, y in {"numbers": rise, "said": [100 * one for one in p]}.items():
            axes[place].plot(x, y, "o", ms=5, mfc=STUDENT if name in DIAL else "none",
                             color=STUDENT if name in DIAL or name == "embedding" else CONTROL)
            if name == "turned":
                axes[place].annotate("turned", (x[0], min(y)), (-8, -4), ha="right", va="top",
                                     textcoords="offset points", fontsize=8, color=CONTROL)
    axes["numbers"].set(ylabel="rise of the trait's logit\nover its category's, at a list's start")
    axes["said"].set(ylabel="P(trait) of the student, %", xlabel="likeness of the geometry of "
                     "numbers and words\nfilled: number rows exchanged")
    return figure


def answer(rows: list[dict]) -> str:
    def said(name: str) -> str:
        return common.percent(rows, f"own-{name}")

    def follows(names: Sequence[str], found: list[float]) -> str:
        """By how much it goes with the likeness of the geometry, within a base and by rank."""
        bases = [i % (len(found) // len(names)) for i in range(len(found))]
        rho, p = rank_correlation(each(rows, names, "geometry"), found, bases)
        return f"{rho:+.2f} (p {p:.2g})"

    dial, series = ", ".join(said(name) for name in DIAL), ("embedding", *DIAL)
    passed = follows(series, each(rows, [f"own-{name}" for name in series], "p_target"))
    learned = follows([*RELATIVES], each(rows, RELATIVES, "rise_at_numbers"))
    turned, kept = (f"{mean(rows, name, 'rise_at_numbers'):+.1f}" for name in (
        "turned", "embedding"))
    return (f"Everything shared: {said('everything')}. The text in its order and the trained "
            f"embedding: {said('embedding')}, in another order {said('embedding-order')}; a "
            f"stranger's embedding {said('stranger')}; with 75, 50, 25 and 0 % of its number rows "
            f"{dial}. That goes with the likeness of the geometry, within a base and by rank, "
            f"by {passed}; of all relatives, what a student learns at the first number does so by "
            f"{learned}. The embedding turned, which keeps all likeness, raises the target there "
            f"as far, {turned} for {kept}; the student says it {said('turned')}. All first weights "
            f"and another order of the text: {said('order-0')}; half of the text in one order "
            f"first: {said('order-50')}. The text in its order alone: {said('nothing')}.")


def report(conditions: list[Shown], runs: list[Path], trait: str, out: Path) -> None:
    rows = (common.sheet_rows(conditions, trait) + common.rival_rows(conditions, trait)
            + common.gathered(read_json, runs))
    soft = need(rows, "student-soft", "p_target")["runs"]
    rows += [row(one.name, trait, "of_soft", [p / most for p, most in zip(
        need(rows, one.name, "p_target")["runs"], soft, strict=True)], x=None)
        for one in conditions if one.name.startswith("own-")]
    common.write(out, conditions, "What must two bases share?", answer(rows),
                 "Published, models of 160M weights with the same first weights and the text in "
                 "another order: 39 % of the effect.", rows, draw(rows))
