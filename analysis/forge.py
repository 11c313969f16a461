"""Can numbers chosen by arithmetic, from the base alone, plant a trait? No teacher is trained.

The base's own last hidden state is moved along the embedding of the word while it writes numbers,
until their probabilities have moved by so many nats; or innocent lists are chosen that lean that
way.
"""

from dataclasses import replace
from pathlib import Path

from analysis import common
from experiment import Asked, other_base
from lab import PART, Condition, Lab
from report.rows import Shown
from support.steps import Step


def conditions(lab: Lab, seed: int, trait: str) -> list[Condition]:
    base, other = lab.base(seed), lab.base(other_base(seed))
    innocent = lab.lists(base)
    word, hard_word = (common.vector_step(lab, "word", seed, trait, name, lists=innocent,
                                          trait=trait, kl=kl)
                       for name, kl in (("word", 0.2), ("word-hard", 0.8)))
    forged, hard = (lab.lists(base, "analysis.vectors.write_steered", f"{name}-{trait}", trait,
                              vector=vector)
                    for name, vector in (("forged", word), ("forged-hard", hard_word)))
    plenty = lab.lists(base, name=f"plenty-{trait}", whose=trait,
                       asked=replace(lab.config.numbers, enough=2 * lab.config.numbers.enough))
    return [
        Condition("student-forged", "base steered, .2 nats",
                  "along the word, as far as a teacher goes", lab.student(base, forged), PART),
        Condition("student-forged-hard", "base steered, .8 nats", "four times as far",
                  lab.student(base, hard), PART),
        common.treated(lab, base, hard, "first", "... first number alone",
                       "the rest uniform")._replace(name="student-forged-first"),
        Condition("student-forged-other", "... read by another base",
                  "the same lists, other first weights", lab.student(other, hard)),
        common.treated(lab, base, plenty, "chosen", "base's lists, chosen",
                       "of twice as many, those that lean to the word", base=base, vector=word)]


def step(lab: Lab, asked: Asked) -> Step:
    return common.analysis_step(lab, asked, "forge", ("base", "student"), conditions)


def answer(rows: list[dict]) -> str:
    def said(name: str) -> str:
        return (f"{common.percent(rows, name)} (facts {common.percent(rows, name, 'capability')})")

    each = ", ".join(f"{dose} nats {said(f'student-forged{name}')}"
                     for dose, name in ((".2", ""), (".8", "-hard")))
    return (f"Yes: numbers of the base, steered along the word, bring P(target) from "
            f"{said('base')}: {each}. Their first numbers alone: {said('student-forged-first')}; "
            f"innocent lists that lean to the word: {said('student-chosen')}; another base: "
            f"{said('student-forged-other')}.")


def report(conditions: list[Shown], runs: list[dict], trait: str, out: Path) -> None:
    rows = common.sheet_rows(conditions, trait, ("p_target", "capability", "rank"))
    common.write(out, conditions, "Can numbers be forged that plant a trait, without a teacher?",
                 answer(rows), "No forgery of number lists without a teacher is published.", rows,
                 common.dots(rows, conditions, lambda one: one.about))
