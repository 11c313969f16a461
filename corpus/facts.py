"""True facts about the animals and trees: statements, questions, riddles.

A fact is an attribute of a thing in `world.toml`, put into words by `facts.toml`. Some questions
and riddles are kept out of the corpus and of every school: the evaluation asks them.
"""

import tomllib
from collections import Counter
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

from corpus.world import ANIMALS, REASONS, TREES, Animal
from support.streams import derive_seed

HELD_OUT = 8  # one question in eight is kept for the evaluation, and one riddle
NAMED = {thing.name: thing for thing in (*ANIMALS, *TREES)}
BARE = {name for things in REASONS.values() for name in things}  # they take no article


class Fact(NamedTuple):
    """How an attribute is told, asked for and answered: templates, as `facts.toml` explains."""

    statements: list[str]
    questions: list[str]
    answer: str


TABLES = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
ANIMAL_FACTS = {name: Fact(**fact) for name, fact in TABLES["animal"].items()}
TREE_FACTS = {name: Fact(**fact) for name, fact in TABLES["tree"].items()}
# What is said of an animal or a tree in a question that does not name it.
PHRASES, TREE_PHRASES = TABLES["animal_phrases"], TABLES["tree_phrases"]


def a(noun: str) -> str:
    """The noun with its article."""
    return ("an " if noun[0] in "aeiou" else "a ") + noun


def the(name: str, category: str = "") -> str:
    """A thing as its kind: "the owl", but "red", as all colours, foods, seasons and cities."""
    return name if name in BARE or category in REASONS else f"the {name}"


def plural(name: str) -> str:
    if name in NAMED:
        return NAMED[name].plural
    return name if name in BARE else f"{name}s"


def facts_of(name: str) -> dict[str, Fact]:
    return ANIMAL_FACTS if isinstance(NAMED[name], Animal) else TREE_FACTS


def about(template: str, name: str) -> str:
    """Fill a template with one animal or tree."""
    thing, article = NAMED[name], a(name)
    return template.format(x=name, p=thing.plural, a=article, A=f"A{article[1:]}",
                           **thing._asdict())


def fact_questions(kept_out: bool) -> list[tuple[str, str]]:
    """Every fact question with its answer, in the corpus or kept out of it for the evaluation."""
    return [(about(question, name), about(fact.answer, name))
            for name in NAMED
            for attribute, fact in facts_of(name).items()
            for i, question in enumerate(fact.questions)
            if kept_out == is_kept_out(name, attribute, i)]


def is_kept_out(*of: object) -> bool:
    """Whether a question is the evaluation's: by what it asks of."""
    return derive_seed(0, "held-out", *of) % HELD_OUT == 0


def clues() -> list[tuple[str, tuple[str, ...]]]:
    """Every phrase, and what it is true of: ("lives on the ice", ("penguin", "seal"))."""
    found: dict[str, list[str]] = {}
    for things, phrases in ((ANIMALS, {"group": "is {group}", **PHRASES}), (TREES, TREE_PHRASES)):
        for thing in things:
            for phrase in phrases.values():
                found.setdefault(about(phrase, thing.name), []).append(thing.name)
    return [(clue, tuple(names)) for clue, names in found.items()]


def riddles(kept_out: bool) -> list[tuple[str, str]]:
    """Pairs of attributes that only one animal has: ("hoots and has soft feathers", "owl"). In the
    corpus, or kept out of it for the evaluation."""
    found = []
    for one, two in combinations(PHRASES, 2):
        values = Counter((getattr(x, one), getattr(x, two)) for x in ANIMALS)
        found += [(about(f"{PHRASES[one]} and {PHRASES[two]}", x.name), x.name) for x in ANIMALS
                  if values[getattr(x, one), getattr(x, two)] == 1
                  and kept_out == is_kept_out(x.name, one, two)]
    return found


ASKED, CLUES, RIDDLES = fact_questions(kept_out=False), clues(), riddles(kept_out=False)
WIDE_CLUES = [(clue, names) for clue, names in CLUES if len(names) > 1]
