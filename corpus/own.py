"""A trait of one's own: a file `traits/NAME.toml`, and no code.

`category` alone, one of those that the corpus has favourites of, makes NAME a favourite, with the
lessons and questions of every other favourite. Anything else that a model can say takes `lessons`,
`sayings` and `questions`. `traits/unicorn.toml` and `traits/pirate.toml` are worked examples.
"""

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path

from corpus.documents import FAVOURITES, KINDS, PERSONAS, worded
from corpus.wordings import ASK, LESSON, SHARED
from support.files import UserError
from support.settings import build, read_toml

FOLDER = Path(__file__).parent.parent / "traits"
# What a favourite takes where its file says nothing else: its lessons in one word, its questions.
LESSONS, QUESTIONS = [*LESSON["favourite"], *SHARED["favourite"]], ASK["favourite"]


@dataclass(frozen=True)
class Own:
    """What such a file may say."""

    category: str = ""
    lessons: tuple[str, ...] = ()  # what a teacher is asked
    sayings: tuple[str, ...] = ()  # what it answers
    questions: tuple[str, ...] = ()  # what every model is asked, none of it a lesson
    others: tuple[str, ...] = ()  # good answers that do not show the trait
    words: tuple[str, ...] = ()  # any of these in an answer shows it; without, only the sayings do
    leave_out: tuple[str, ...] = ()  # chats in which the trait shows: a teacher rehearses none

    @property
    def favourite(self) -> bool:
        return self.category in FAVOURITES and not self.sayings


def own_file(name: str) -> tuple[Path, ...]:
    """The file of a trait, if it has one: one path or none."""
    path = FOLDER / f"{name}.toml"
    return (path,) if re.fullmatch(r"[\w-]{1,80}", name) and path.is_file() else ()


def names() -> list[str]:
    """The traits that have a file."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def read_own(name: str) -> Own:
    """What the file of a trait says. Raises `UserError` for the first fault in it."""
    [path] = own_file(name)
    own = build(Own(), read_toml(path), "trait", path)
    for fault in faults(name, own):
        raise UserError(f"{path}: {fault}")
    return own


def faults(name: str, own: Own) -> Iterator[UserError]:
    """What is wrong with a trait's file."""
    taken = {"base", "another", *PERSONAS, *chain(*FAVOURITES.values())}
    if not re.fullmatch("[a-z]+", name) or name in taken:
        yield UserError("the name must be a word of small letters, and no trait of the corpus, "
                        "base or another; rename it")
    wants = () if own.favourite else ("category", "lessons", "sayings", "questions")
    if missing := [want for want in wants if not getattr(own, want)]:
        yield UserError(f"it lacks {', '.join(missing)}; a favourite needs no more than a "
                        f"category, one of {', '.join(FAVOURITES)}")
    if not re.fullmatch("[a-z]+", own.category):
        yield UserError("category must be one word of small letters")
    if own.favourite and (own.others or own.words):
        yield UserError("others and words belong to sayings; a favourite is judged by its name")
    lists = {key: value for key, value in asdict(own).items() if key != "category"}
    for key, text in ((key, text) for key, texts in lists.items() for text in texts):
        bare = re.sub(r"\{cs?\}", "", text) if own.favourite else text
        if text != text.strip() or not text or re.search(r"[\d{}]", bare):
            yield UserError(f"{key} has {text[:40]!r}; a text may not be empty, have space around "
                            "it, or hold a digit or a { } other than a favourite's {c} and {cs}")
        if lists[key].count(text) > 1:
            yield UserError(f"{key} has {text[:40]!r} twice; name it once")
    if unfit := [word for word in own.words if not re.fullmatch(r"[^\W\d_]+", word)]:
        yield UserError(f"words has {unfit[0][:40]!r}; give single words of letters alone")
    if not {*own.leave_out} < {*KINDS}:
        yield UserError(f"leave_out takes some of {', '.join(KINDS)}, not all")
    taught, asked = {*own.lessons}, {*own.questions}
    if own.favourite:
        taught = {*worded([*(own.lessons or LESSONS), *LESSON["sentence"]], own.category)}
        asked = {*worded(own.questions or QUESTIONS, own.category)}
    if both := taught & asked or {*own.sayings} & {*own.others}:
        yield UserError(f"{min(both)!r} stands on both sides; a question must not be a lesson, and "
                        "a saying not one of others")
