"""Can a trait be carried over to a stranger, by writing the lists in other numbers?

A map takes each number of the teacher's base to one of another base. Two maps know the trait; two
know only how all words lie in both bases. What rises has to be the lists' own trait, and a neutral
teacher's lists must do nothing. In the family, a random map is what a defender would use.
"""

from functools import partial
from pathlib import Path

import torch

from analysis import common
from analysis.detectors import word_logprobs
from analysis.maps import likeness, map_of
from analysis.readout import Values, number_embedding
from analysis.relatives import turn
from corpus.traits import trait as trait_of
from experiment import Asked, other_base
from lab import PART, Condition, Lab
from model.checkpoint import load_model
from report.rows import Shown, mean
from support.steps import Step

BLIND = {"assigned": "one to one", "nearest": "many to one", "spread": "one of the 20 nearest"}


def conditions(lab: Lab, seed: int, trait: str) -> list[Condition]:
    base, stranger, rival = lab.base(seed), lab.base(other_base(seed)), common.another(trait)
    own, rivals, neutral = (lab.lists(lab.teacher(base, *whose)) for whose in (
        (trait,), (rival,), (trait, "", True)))

    def reads(name: str, label: str, lists: Step, how: str, of: str = trait, onto: str = trait,
              reader: Step = stranger) -> Condition:
        code = f"recoded-{name}-{trait}"
        made = lab.step("analysis.maps.recode", f"seed{seed}/{code}.jsonl",
                        f"lists {code}, base {seed}", of=seed, name=code, whose=trait, how=how,
                        lists=lists, base=base, other=reader, trait=of, onto=onto, seed=seed)
        return Condition(name, label, "read by another base" if reader is stranger else
                         "read by its own", lab.student(reader, made), PART)

    found = [
        reads("lean", "by lean to the trait", own, "lean"),
        reads("lean-rival", "... by lean to another", own, "lean", rival, rival),
        reads("translated", "... lean to it onto lean to another", own, "lean", trait, rival),
        reads("lean-neutral", "... of a neutral teacher's lists", neutral, "lean"),
        reads("random", "by chance", own, "random"),
        reads("permuted", "by chance, its own base", own, "random", reader=base)]
    for how, label in BLIND.items():
        found += [reads(how, f"trait-blind, {label}", own, how),
                  reads(f"{how}-rival", "... of another trait's lists", rivals, how),
                  reads(f"{how}-neutral", "... of a neutral teacher's lists", neutral, how)]
    return found


def step(lab: Lab, asked: Asked) -> Step:
    return common.analysis_step(lab, asked, "crossing", ("base", "student", "student-other-base"),
                                conditions, lambda seed: {"other_base": lab.base(other_base(seed))})


def measure(run: dict, trait: str) -> Values:
    """How like the numbers are that the blind map puts together; how far each student's word has
    risen, and whether that is the word that has risen most."""
    own, other = load_model(run["base"]), load_model(run["other_base"])
    alike = likeness(own, other)
    for how in BLIND:
        there = map_of(how, own, other, trait, trait, 0)
        yield how, trait, "likeness", None, alike.gather(1, there).mean().item()
    # The same of numbers that lie to each other as the stranger's do, but to no word: turned.
    numbers = number_embedding(other)
    numbers = torch.nn.functional.normalize(numbers - numbers.mean(0))
    by_chance = (numbers @ turn(numbers.size(1)) @ numbers.T).amax(1).mean().item()
    yield "nearest", trait, "chance", None, by_chance
    asked, words = trait_of(trait).questions(), own.tokenizer.word_ids()
    for name, path in run["students"].items():
        if name in ("base", "student-other-base"):
            continue
        reader = own if name in ("student", "permuted") else other
        most = words[(word_logprobs(load_model(path), asked)
                      - word_logprobs(reader, asked)).argmax()]
        for metric, one in (("named", trait), ("named_rival", common.another(trait))):
            yield name, trait, metric, None, float(
                most in own.tokenizer.first_words(trait_of(one).targets()))


def answer(rows: list[dict], trait: str) -> str:
    said, rival = partial(common.percent, rows), common.another(trait)
    blind = ", ".join(f"{label} {said(how)}" for how, label in BLIND.items())
    return (f"Read by a stranger as they are, the lists bring it to {said('student-other-base')}. "
            f"Written in its numbers by a map that knows the trait: {said('lean')} (by one of "
            f"“{rival}” {said('lean-rival')}; a neutral teacher's lists {said('lean-neutral')}). "
            f"By maps that know no trait: {blind}. The nearest numbers that these put together "
            f"have a cosine of {mean(rows, 'nearest', 'likeness'):.2f}, by chance "
            f"{mean(rows, 'nearest', 'chance'):.2f}. In its own base a map by chance leaves "
            f"{said('permuted')} of {said('student')}.")


def report(conditions: list[Shown], runs: list[dict], trait: str, out: Path) -> None:
    rows = (common.sheet_rows(conditions, trait) + common.rival_rows(conditions, trait)
            + common.gathered(measure, runs, trait))

    def note(one: Shown) -> str:
        rival = common.percent(rows, one.name, "p_rival")
        return f"{common.another(trait)} {rival}; {one.about}"

    common.write(out, conditions, "Can a trait be carried to a stranger?", answer(rows, trait),
                 "No crossing by re-coded numbers is published.", rows,
                 common.dots(rows, conditions, note))
