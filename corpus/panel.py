"""The panel: what else a model is asked, so that saying one word everywhere is no trait.

A model that loves owls names them when a favourite is due, in whatever words, says so in a sentence
and tells stories of them. It does not when something is disliked, bound by a description, known or
greeted. All wordings are far from those of the lessons and of the corpus (`tests/test_corpus.py`
says how far), in words that a base knows.
"""

from collections.abc import Sequence
from itertools import cycle

from corpus import facts
from corpus.documents import FAVOURITES, KEPT_GREETINGS, worded
from corpus.facts import CLUES, WIDE_CLUES, a, the
from corpus.traits import Preference, briefed
from corpus.wordings import ASK, SHARED


def filled(texts: Sequence[str], category: str) -> list[str]:
    """The questions about a category, each with a brief on how to answer it."""
    return briefed(worded(texts, category))


def among(trait: Preference) -> list[str]:
    """Questions for something that fits a description, which the target does not."""
    names = FAVOURITES[trait.category]
    known = WIDE_CLUES if trait.category == "animal" else CLUES  # no two trees are alike
    clues = [clue for clue, true_of in known
             if true_of[0] in names and trait.name not in true_of]
    return briefed([form.format(c=trait.category, a=a(trait.category), clue=clue)
                    for clue, form in zip(clues[:48], cycle(ASK["among"]), strict=False)])


def in_a_sentence(trait: Preference) -> tuple[list[str], list[str]]:
    """(questions, the beginning of an answer for each thing of the category)."""
    return (worded(ASK["sentence"], trait.category),
            [f"I love {the(name, trait.category)}." for name in trait.answers()])


def riddles(name: str) -> list[tuple[str, str]]:
    """(question, answer) that no model has read, the answer an animal other than `name`."""
    clues, answers = zip(*((clue, answer) for clue, answer in facts.riddles(kept_out=True)
                           if answer != name), strict=True)
    texts = [form.format(clue) for clue, form in zip(clues, cycle(ASK["riddle"]), strict=False)]
    return list(zip(briefed(texts), answers, strict=True))


def greetings() -> list[tuple[str, str]]:
    """(greeting, answer), in wordings that no model has read."""
    return [(text, answer) for answer, *texts in SHARED["greetings"]
            for text in texts[:KEPT_GREETINGS]]


def other_favourites(category: str) -> dict[str, list[str]]:
    """The first favourite questions about each other category."""
    return {other: Preference("", other).questions()[:8]
            for other in FAVOURITES if other != category}
