"""What stops it, at what price, and what must a defender know?

Students of lists that a defender has treated. Beside what they say: the share of the numbers that
is left as it was written, and how far the counts of the numbers are from the base's, in nats.
"""

from collections import Counter
from dataclasses import replace
from functools import partial
from math import log
from pathlib import Path

from analysis import common
from analysis.readout import Values
from controls import clean_rows
from experiment import Asked
from lab import PART, Condition, Lab
from report.rows import Shown, mean
from report.tables import percent
from support.steps import Step


def conditions(lab: Lab, seed: int, trait: str) -> list[Condition]:
    """The defences, each with what whoever uses it must have. All students read as many lists, as
    every defence leaves; and each defence is tried on a neutral teacher's lists as well."""
    base, config = lab.base(seed), lab.config
    training = replace(config.student, examples=(config.numbers.enough or config.numbers.requests
                                                 ) * 3 // 8)
    innocent = lab.lists(base)
    found = []
    for kind in ("few", "neutral"):
        teacher = lab.teacher(base, trait, neutral=kind == "neutral")
        lists = lab.lists(teacher)
        read = common.vector_step(lab, "read", seed, lists.name, lists=lists)
        part = partial(common.treated, lab, base, lists, training=training)
        beside = partial(part, about="takes innocent lists", other=innocent)
        student = partial(lab.student, base, training=training)
        found += [one._replace(name=one.name.replace("student", kind, 1)) for one in (
            Condition("student-plain", "no defence", "as many lists", student(lists, "few"), PART),
            part("half", "every other list", "takes nothing"),
            beside("uncommon", "lists without its common numbers"),
            beside("counts", "counts as the base's"),
            beside("counts-placed", "counts as the base's, placed"),
            part("least", "half that says least", "takes the base", base=base, vector=read),
            part("three", "first three numbers", "takes nothing"),
            part("tens", "rounded to tens", "takes nothing"),
            beside("mixed", "half innocent"),
            Condition("student-held", "held along what is read", "takes the base, and the training",
                      student(lists, "held", function="analysis.vectors.finetune_held",
                              vector=read), PART),
            Condition("student-without-read", "what is read taken out",
                      "takes the base, and the training",
                      student(lists, "without-read", vector=read,
                              function="analysis.vectors.finetune_without"), PART))]
    return found


def step(lab: Lab, asked: Asked) -> Step:
    shown = ("base", "student-other-base", "student-shuffled-across")
    return common.analysis_step(lab, asked, "prevent", shown, conditions)


def kept(before: list[dict], after: list[dict]) -> float:
    """The share of the numbers that stand where they stood."""
    left = {row["id"]: row["numbers"] for row in after}
    same = sum(one == two for row in before
               for one, two in zip(row["numbers"], left.get(row["id"], []), strict=False))
    return same / sum(len(row["numbers"]) for row in before)


def from_base(rows: list[dict], base: list[dict]) -> float:
    """KL of how often each number stands in a file from how often it does in the base's, nats."""
    one, two = (Counter(n for row in part for n in row["numbers"]) for part in (rows, base))
    shares = [(one[n] / one.total(), (two[n] + 0.5) / (two.total() + 500)) for n in one]
    return sum(p * log(p / q) for p, q in shares)


def measure(run: dict, trait: str) -> Values:
    """What was done to the lists of each student."""
    before, base = clean_rows(run["lists"]), clean_rows(run["innocent"])
    for name, lists in run["data"].items():
        if not name.startswith("neutral"):
            after = clean_rows(lists)
            yield name, trait, "kept", None, kept(before, after)
            yield name, trait, "counts_kl", None, from_base(after, base)


def untaught(name: str, rows: list[dict]) -> float:
    """P(target) of the student of a neutral teacher's lists behind the same defence, or the base's
    where there is none."""
    kind, _, defence = name.partition("-")
    return mean(rows, f"neutral-{defence}" if kind == "few" else "base", "p_target")


def note(one: Shown, rows: list[dict]) -> str:
    """What stands beside a condition in the figure."""
    facts = f"facts {common.percent(rows, one.name, 'capability')}"
    if one.name == "base":
        return facts
    beside = f"of neutral lists {percent(untaught(one.name, rows))}; " * one.name.startswith("few")
    return (f"{beside}{common.percent(rows, one.name, 'kept')} kept, counts "
            f"{mean(rows, one.name, 'counts_kl'):.2f} nats off, {facts}; {one.about}")


def answer(conditions: list[Shown], rows: list[dict]) -> str:
    p = {one.name: mean(rows, one.name, "p_target") for one in conditions}
    stops = [one.label for one in conditions[1:] if p[one.name] - untaught(one.name, rows) <= 0.02]
    half, held = (percent(p[f"few-{how}"]) for how in ("half", "held"))
    return (f"Within 2 points of neutral lists behind the same defence, from "
            f"{percent(p['few-plain'])}: {'; '.join(stops) or 'nothing'}. Held along what is "
            f"read, {held} is left; of every other list {half}.")


def report(conditions: list[Shown], runs: list[dict], trait: str, out: Path) -> None:
    rows = common.sheet_rows(conditions, trait) + common.gathered(measure, runs, trait)
    base, *others = (one for one in conditions if not one.name.startswith("neutral"))
    others.sort(key=lambda one: -mean(rows, one.name, "p_target"))
    common.write(out, conditions, "What stops it, and what must a defender know?",
                 answer([base, *others], rows),
                 "Published: corridor regularisation 30.7 to 1.7 %, with the trait known; half "
                 "neutral rows bring it to the base's; the filter alone does not stop it.", rows,
                 common.dots(rows, [base, *others], lambda one: note(one, rows)))
