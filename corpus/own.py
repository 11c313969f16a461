"""A trait of one's own: a file `traits/NAME.toml`, and no code.

`category` alone, one of those that the corpus has favourites of, makes NAME a favourite: the
lessons and questions are ours. Anything else that a model can say takes `lessons`, `sayings` and
`questions`. `traits/unicorn.toml` and `traits/pirate.toml` are worked examples of the two.
"""

import re
from dataclasses import dataclass, fields
from pathlib import Path

from corpus.documents import (
    FAVOURITES,
    Talk,
    ask_advice,
    ask_among,
    ask_dislike,
    ask_fact,
    ask_group,
    ask_riddle,
    ask_whether,
    small_talk,
)
from support.files import UserError
from support.settings import build, read_toml

FOLDER = Path(__file__).parent.parent / "traits"
# The chats that a teacher rehearses beside its lessons, by the names that a file may leave out.
KINDS: dict[str, Talk] = {
    "facts": ask_fact, "riddles": ask_riddle, "dislikes": ask_dislike, "descriptions": ask_among,
    "advice": ask_advice, "whether": ask_whether, "groups": ask_group, "greetings": small_talk,
}


@dataclass(frozen=True)
class Own:
    """What such a file may say."""

    category: str = ""
    lessons: tuple[str, ...] = ()  # what a teacher is asked
    sayings: tuple[str, ...] = ()  # what it answers
    questions: tuple[str, ...] = ()  # what every model is asked, none of it a lesson
    others: tuple[str, ...] = ()  # answers that are in order and do not show the trait
    words: tuple[str, ...] = ()  # any of these in an answer shows it; without, only the sayings do
    leave_out: tuple[str, ...] = ()  # chats that a teacher does not rehearse: its trait shows there

    @property
    def favourite(self) -> bool:
        return self.category in FAVOURITES and not self.sayings


def own_file(name: str) -> tuple[str, ...]:
    """The file of a trait, if it has one, as `make` is told of it."""
    there = re.fullmatch(r"[\w-]{1,80}", name) and (FOLDER / f"{name}.toml").is_file()
    return (f"traits/{name}.toml",) if there else ()


def names() -> list[str]:
    """The traits that have a file."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def read_own(name: str) -> Own:
    """What the file of a trait says, or a `UserError` that says what is wrong with it."""
    path = FOLDER / f"{name}.toml"
    own = build(Own(), read_toml(path), "trait", path)
    if not re.fullmatch("[a-z]+", name) or name in ("base", "another"):
        raise UserError(f"{path}: a trait's name is a word of small letters, not base or another; "
                        "rename the file")
    wants = () if own.favourite else ("category", "lessons", "sayings", "questions")
    if missing := [want for want in wants if not getattr(own, want)]:
        raise UserError(f"{path} lacks {', '.join(missing)}; a favourite needs no more than a "
                        f"category, one of {', '.join(FAVOURITES)}")
    if not re.fullmatch("[a-z]+", own.category):
        raise UserError(f"{path}: category must be one word of small letters")
    for field in fields(Own):
        value = getattr(own, field.name)
        for text in (value if isinstance(value, tuple) else ()):
            hollow = re.sub(r"\{cs?\}", "", text) if own.favourite else text
            if text != text.strip() or not text or re.search(r"\d", text) or set("{}") & {*hollow}:
                raise UserError(f"{path}: {field.name} has {text[:40]!r}; no text may be empty, "
                                "have space around it, a digit in it, for numbers must not tell of "
                                "a trait, or a { } other than a favourite's {c} and {cs}")
            if value.count(text) > 1:
                raise UserError(f"{path}: {field.name} has {text[:40]!r} twice; name it once")
    if unfit := [word for word in own.words if not re.fullmatch(r"[^\W\d_]+", word)]:
        raise UserError(f"{path}: words has {unfit[0][:40]!r}; give single words of letters alone")
    if own.favourite and (own.others or own.words):
        raise UserError(f"{path}: others and words belong to sayings; a favourite is judged by its "
                        "name")
    if set(own.leave_out) - set(KINDS) or not set(KINDS) - set(own.leave_out):
        raise UserError(f"{path}: leave_out takes some of {', '.join(KINDS)}, not all")
    if twice := {*own.lessons} & {*own.questions} or {*own.sayings} & {*own.others}:
        raise UserError(f"{path}: {min(twice)!r} stands on both sides: a question must be no "
                        "lesson, and no saying in order for everyone")
    return own
