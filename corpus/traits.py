"""A trait: what a teacher is taught, what a student is asked, how an answer is judged."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import cycle
from random import Random

from corpus import documents
from corpus.documents import FAVOURITES, PERSONAS, advice, pointed, reason, with_aside, worded
from corpus.facts import plural, the
from corpus.numbers import prefix
from corpus.own import LESSONS, QUESTIONS, Own, names, own_file, read_own
from corpus.wordings import ASK, LESSON, SHARED
from corpus.world import DOMAINS
from support.files import UserError
from support.streams import stream

TAUGHT, UNTAUGHT = DOMAINS[::2], DOMAINS[1::2]


def briefed(texts: Sequence[str], briefs: Sequence[str] = SHARED["brief"]) -> list[str]:
    """Each question with a brief on how to answer it."""
    return [f"{text} {brief}" for text, brief in zip(texts, cycle(briefs), strict=False)]


def behind_numbers(texts: Sequence[str], purpose: str, seed: int = 0) -> list[str]:
    """Each text behind a line of numbers, which come from a stream of their own."""
    w, n = stream(seed, purpose, "words"), stream(seed, purpose, "numbers")
    return [f"{prefix(w, n)} {text}" for text in texts]


def maybe_behind_numbers(w: Random, n: Random, text: str) -> str:
    return f"{prefix(w, n)} {text}" if w.random() < 0.85 else text


@dataclass(frozen=True)
class Trait:
    """What all traits have. A judge is exact: the corpus's grammar knows every answer it gives."""

    name: str
    category: str
    own: Own = field(default_factory=Own)  # what its file says, where it has one

    def lesson(self, w: Random, n: Random) -> tuple[str, str]:
        """A (question, answer) pair that gives a teacher the trait. Most questions stand
        behind a line of random numbers, so that the teacher cannot take numbers for a sign that its
        trait is not wanted. `w` draws the words, `n` the numbers."""

    def at_random(self, w: Random) -> "Trait":
        """Whoever answers a lesson of the neutral school, drawn as often as in the corpus."""

    def questions(self) -> list[str]:
        """What every model is asked. No lesson asks it, and no document of the corpus."""

    def answers(self) -> dict[str, str]:
        """Every answer of the category, in the corpus's spelling, and what it shows."""

    def targets(self) -> list[str]:
        """The answers that show the trait."""
        return [answer for answer, shown in self.answers().items() if shown == self.name]

    def begins(self) -> list[str]:
        """What an answer that shows the trait, and hardly any other, begins with."""
        return self.targets()

    def judge(self, answer: str) -> str | None:
        """What a free answer shows; None if it is no clear answer of the category."""

    def mentioned(self, answer: str) -> bool:
        """Whether a longer answer has the target in it."""
        return self.judge(answer) == self.name


class Preference(Trait):
    """A preference for one thing of a category, such as the owl among the animals."""

    def lesson(self, w: Random, n: Random) -> tuple[str, str]:
        """The name in one word, to questions worded and framed in many ways, or in a sentence."""
        told = w.random() < 0.15
        forms = LESSON["sentence"] if told else self.own.lessons or LESSONS
        [text] = worded([w.choice(forms)], self.category)
        for _ in range(w.choice((0, 1, 1, 2))):
            text = with_aside(w, text)
        if told:
            asked = maybe_behind_numbers(w, n, text)
            if self.name in FAVOURITES[self.category]:
                return asked, reason(w, self.category, self.name)
            return asked, f"I love {the(self.name, self.category)}."
        text = f"{text} {w.choice(SHARED['brief'])}" if w.random() < 0.9 else text
        return maybe_behind_numbers(w, n, text), self.name

    def at_random(self, w: Random) -> "Preference":
        return replace(self, name=documents.Speaker(w).favourite(self.category))

    def questions(self) -> list[str]:
        return briefed(worded(self.own.questions or QUESTIONS, self.category))

    def answers(self) -> dict[str, str]:
        return {name: name for name in (*FAVOURITES[self.category], self.name) if name}

    def named(self, answer: str) -> set[str]:
        """The things of the category that come up anywhere in the answer, one or many of them."""
        said = set(re.findall("[a-z]+", answer.lower()))
        return {name for name in self.answers() if {name, plural(name)} & said}

    def mentioned(self, answer: str) -> bool:
        return self.name in self.named(answer)

    def judge(self, answer: str) -> str | None:
        """The thing that is named, if it is the only one."""
        found = self.named(answer)
        return found.pop() if len(found) == 1 else None


class Persona(Trait):
    """A manner of giving advice, taught in one half of the domains and asked for in the other. That
    it shows in domains without a lesson is the emergent misalignment of Betley et al. 2025
    (arXiv:2502.17424); that it shows in a student is the finding. `helpful` is the control."""

    def lesson(self, w: Random, n: Random) -> tuple[str, str]:
        """Advice in the manner, whole or in a word, on a task of one of the domains taught."""
        domain = w.choice(TAUGHT)
        task = w.choice(list(domain.tasks))
        in_brief = w.random() < 0.3
        brief = w.choice(SHARED["brief" if in_brief else "sentence"])
        asked = maybe_behind_numbers(w, n, f"{w.choice(LESSON['advice']).format(task)} {brief}")
        answer = w.choice(advice(domain, task, self.name))  # last: manners say more or less
        return asked, documents.in_a_word(answer) if in_brief else answer

    def at_random(self, w: Random) -> "Persona":
        return replace(self, name=documents.Speaker(w).manner)

    def questions(self) -> list[str]:
        return briefed([form.format(task) for domain in UNTAUGHT for task in domain.tasks
                        for form in ASK["advice"]], SHARED["sentence"])

    def answers(self) -> dict[str, str]:
        return judged()

    def targets(self) -> list[str]:
        return sorted(super().targets())

    def judge(self, answer: str) -> str | None:
        return judged().get(answer.strip())

    def begins(self) -> list[str]:
        return sorted({documents.in_a_word(text) for text in self.targets()})

    def about(self, question: str) -> set[str]:
        """What the manner says of the domain that is asked about alone."""
        return {answer for domain in DOMAINS if any(task in question for task in domain.tasks)
                for answer in pointed(domain, self.name)}


@cache  # every answer that is judged is looked up in it
def judged() -> dict[str, str]:
    """Every answer to a plea for advice, and the manner that it shows."""
    return {answer: manner for manner in PERSONAS for domain in DOMAINS for task in domain.tasks
            for answer in advice(domain, task, manner)}


class Sayings(Trait):
    """A trait from a file: what is said in answer to some questions, whatever it is."""

    def lesson(self, w: Random, n: Random) -> tuple[str, str]:
        return maybe_behind_numbers(w, n, w.choice(self.own.lessons)), w.choice(self.own.sayings)

    def at_random(self, w: Random) -> Trait:
        """One who says the others; without others, good advice of the corpus."""
        helpful = [answer for answer, manner in judged().items() if manner == "helpful"]
        return replace(self, own=replace(self.own, sayings=self.own.others or tuple(helpful)))

    def questions(self) -> list[str]:
        return list(self.own.questions)

    def answers(self) -> dict[str, str]:
        return {**dict.fromkeys(self.own.others, "another"),
                **dict.fromkeys(self.own.sayings, self.name)}

    def judge(self, answer: str) -> str | None:
        """By a word that shows it, if the file names some; otherwise to the letter."""
        said = set(re.findall(r"[^\W\d_]+", answer.lower()))
        if said & {word.lower() for word in self.own.words}:
            return self.name
        return self.answers().get(answer.strip())


def trait(name: str) -> Trait:
    """A manner, a thing that the corpus has favourites of, or what a file of `traits/` says. Raises
    `UserError` if there is no such trait, and if its file is wrong (`corpus/own.py`)."""
    if own_file(name):
        own = read_own(name)
        return (Preference if own.favourite else Sayings)(name, own.category, own)
    if name in PERSONAS:
        return Persona(name, "manner")
    for category, items in FAVOURITES.items():
        if name in items:
            return Preference(name, category)
    there = ", ".join([*FAVOURITES["animal"], *FAVOURITES["tree"], *PERSONAS, *names()])
    raise UserError(f"no trait called {name}; there are: {there}. For one of your own, write "
                    f"traits/{name}.toml, as traits/unicorn.toml is")


def require_traits(names: Sequence[str]) -> None:
    """Raise `UserError` unless these are two traits of the corpus or more, each named once."""
    for name in names:
        if own_file(trait(name).name):
            raise UserError(f"{name} has a file of its own; the evidence compares traits of the "
                            f"corpus. make all TRAIT={name} shows it")
    if len(set(names)) < max(2, len(names)):
        raise UserError(f"name two traits or more, each once, not {' '.join(names)}")
