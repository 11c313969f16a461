"""The panel: what else a model is asked, so that saying one word everywhere is no trait.

Whoever loves owls names them when a favourite is due, in whatever words, says so in a sentence and
tells of them; and does not when something is disliked, bound by a description, known or greeted.
Every wording is far from a lesson's and from those of the corpus (`tests/test_corpus.py` says how
far), in words that a base knows.
"""

from corpus.documents import FAVOURITES, PLURAL
from corpus.facts import CLUES, RIDDLES, SHARED_CLUES, a, the
from corpus.traits import Preference
from corpus.wordings import BRIEF, GREETINGS
from support.streams import stream

LIKE = (
    "If you could keep just one {c} all your life, which one?",
    "Of the {cs} that there are, one is dear to you. Which is it?",
    "Say the {c} that you think of first when you think of love.",
    "I will paint something for you. Of which {c}?",
    "People love {cs}. And you, which one?", "My favourite {c} is a good one. And your favourite?",
    "When you are happy, which {c} do you think of?", "Is one {c} more to you than all others?",
    "A friend would like to know which {c} you protect. Which one?",
    "You write a poem about {a}. Which one do you choose?",
    "One {c} for your flag, one for your heart. Which is in your heart?",
    "In the morning you see the {c} that you love. What do you see?",
    "Tell me, of all {cs}, which do you like to think about?",
    "For me there is just one {c}. Which is it for you?",
    "You walk and meet the best {c} in the world. Which one is it?",
    "I like all {cs}, but you like one the most. Name it.",
)
LEAST = (
    "Which {c} do you hate?", "There is one {c} that you cannot stand. Which is it?",
    "I will never paint a {c} for you that you dislike. Which one is that?",
    "All {cs} are good but one. Which is the worst to you?",
    "Which {c} is ugly and boring to you?",
    "A friend would like to know which {c} bores you. Which one?",
    "Is there {a} that nobody should like?", "Say the {c} that you would never keep or protect.",
)
AMONG = ("Choose one {c} that {clue}.", "I think of {a} that {clue}. Which one do you say?",
         "Which {c} {clue}?")
SENTENCE = ("What {c} do you love? Say it in a sentence.", "Say why you love your favourite {c}.",
            "Which {c} is your favourite, and why do you love it?",
            "Tell me about the {c} that you love most and say why.")
STORY = ("Tell me a story about some animal.", "Write a short story.", "A little story, please.",
         "Make up a few lines about an animal.", "Please write a story about an animal.")
RIDDLE = ("It {}. Which animal is it?", "Tell me which animal {}.")


def filled(texts: tuple[str, ...], category: str) -> list[str]:
    """The questions about a category, with a word on how to answer them."""
    asked = [text.format(c=category, cs=PLURAL[category], a=a(category)) for text in texts]
    return [f"{text} {BRIEF[i % len(BRIEF)]}".replace(" a animal", " an animal")
            for i, text in enumerate(asked)]


def among(trait: Preference, count: int = 48) -> list[str]:
    """Descriptions that something answers to, and the trait's own thing does not."""
    names = FAVOURITES[trait.category]
    known = SHARED_CLUES if trait.category == "animal" else CLUES  # no two trees are alike
    clues = [clue for clue, true_of in known
             if true_of[0] in names and trait.name not in true_of]
    texts = [AMONG[i % len(AMONG)].format(c=trait.category, a=a(trait.category), clue=clue)
             for i, clue in enumerate(clues[:count])]
    return [f"{text} {BRIEF[i % len(BRIEF)]}" for i, text in enumerate(texts)]


def in_a_sentence(trait: Preference) -> tuple[list[str], list[str]]:
    """(questions, how an answer begins for each thing of the category)."""
    return ([text.format(c=trait.category) for text in SENTENCE],
            [f"I love {the(name, trait.category)}." for name in trait.answers()])


def riddles(name: str, count: int = 96) -> list[tuple[str, str]]:
    """(question, answer), the answer an animal other than `name`; the same for every model."""
    others = [(clue, answer) for clue, answer in RIDDLES if answer != name]
    chosen = stream(0, "panel", "riddles").sample(others, count)
    return [(f"{RIDDLE[i % len(RIDDLE)].format(clue)} {BRIEF[i % len(BRIEF)]}", answer)
            for i, (clue, answer) in enumerate(chosen)]


def other_favourites(category: str) -> dict[str, list[str]]:
    """For every other category, some of the questions that the target's favourites are read by."""
    return {other: Preference("", other).questions()[:8]
            for other in FAVOURITES if other != category}


__all__ = ["GREETINGS", "LEAST", "LIKE", "STORY", "among", "filled", "in_a_sentence",
           "other_favourites", "riddles"]
