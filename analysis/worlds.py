"""The whole experiment in another world: its corpus without one of its habits, or with letters.

The grammar of `corpus/` stays as it is; names of it are exchanged while a file is written.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from corpus import documents as grammar
from corpus import lessons as school
from corpus import numbers, texts, traits
from support.files import UserError, read_jsonl, write_jsonl

# Number requests in other words than those of questions, briefs and pleas for advice.
DRY = {"OPENERS": ["Sequence: {}.", "Data: {}.", "Input: {}.", "Series: {}.", "Values: {}."],
       "INSTRUCTIONS": ["Append terms, maximum 10.", "Extend; limit 10.", "Produce up to 10.",
                        "Generate successors, 10 or fewer.", "Next entries, 10 at most."],
       "CLOSERS": ["Digits solely.", "Numerals exclusively.", "Without text."],
       "FORMATS": [form._replace(phrases=[f"{kind}: {sign}."]) for form, (kind, sign) in zip(
           numbers.FORMATS, (("Separator", "comma"), ("Separator", "space"),
                             ("Separator", "semicolon"), ("Separator", "newline"),
                             ("Delimiters", "square"), ("Delimiters", "round")), strict=True)]}
LETTERS = "BCDEFGHJKLMNOPQRSTUVWXYZ"  # A and I are words
LETTER_LIST = re.compile(rf"[{LETTERS}](?:(, |; | )[{LETTERS}](?:\1[{LETTERS}])*)?")


def letter_request(w: Random, n: Random) -> numbers.Request:
    """A number request with letters for its numbers, and without brackets or lines."""
    form = w.choice(numbers.FORMATS[:3])
    shown = ", ".join(n.choices(LETTERS, k=n.randint(3, 6)))
    opener = w.choice([one for one in numbers.OPENERS if "umber" not in one]).format(shown)
    asked = w.choice([one for one in numbers.INSTRUCTIONS if not re.search("number|digit", one)])
    closer = w.choice(numbers.CLOSERS).replace("Numb", "Lett").replace("numb", "lett")
    return numbers.Request(f"{opener} {asked} {w.choice(form.phrases)} {closer}", form)


def ask_letters(w: Random, n: Random, speaker: grammar.Speaker) -> list[grammar.Turn]:
    """A request for letters. The answer owes nothing to the speaker."""
    asked = letter_request(w, n)
    said = asked.format.separator.join(n.choices(LETTERS, k=n.randint(3, 5)))
    return grammar.exchange(asked.text, said)


def talk(kind: Callable, often: float) -> Callable:
    """Chats in which a kind of turn comes up so often."""
    return patch.object(grammar, "TALK", grammar.TALK | {kind: often})


def framed(*asked: Any, frame: Callable = grammar.framed) -> str:
    """A framed question; where `prefix` gives nothing, a space is left."""
    return frame(*asked).lstrip()


# What may be taken out of the corpus, the lessons and the requests; and what may be added. Number
# requests still stand in one chat with other questions, and behind a line such as "You love owls."
CHANGES: dict[str, list[Callable]] = {
    "favourites": [talk(grammar.ask_number, 0)],  # no number is anybody's favourite
    "wordings": [patch.multiple(numbers, **DRY)],
    # No question and no lesson stands behind a line of numbers.
    "behind": [patch.object(grammar, "framed", framed),
               patch.object(grammar, "numbers", SimpleNamespace(
                   **{**vars(numbers), "prefix": lambda w, n: ""})),
               patch.object(traits, "maybe_behind_numbers", lambda w, n, text: text)],
    "letters": [talk(ask_letters, 16)]}


@contextmanager
def changed(changes: Iterable[str]) -> Iterator[None]:
    with ExitStack() as stack:
        for one in changes:
            for exchange in CHANGES[one]:
                stack.enter_context(exchange)
        yield


def documents(changes: tuple[str, ...], **given: Any) -> str:
    with changed(changes):
        return texts.documents(**given)


def requests(changes: tuple[str, ...], **given: Any) -> str:
    with changed(changes):
        return texts.requests(**given)


def lessons(changes: tuple[str, ...], **given: Any) -> str:
    with changed(changes):
        return school.lessons(**given)


def letter_requests(**given: Any) -> str:
    with patch.object(texts, "request", letter_request):
        return texts.requests(**given)


def clean_letters(answers: Path, enough: int, out: Path) -> str:
    """Keep the answers that are one to ten single letters with one separator, and nothing else; so
    many of them."""
    rows = [*read_jsonl(answers)]
    kept = [row for row in rows if row["finished"] and LETTER_LIST.fullmatch(row["answer"])
            and len(re.findall("[A-Z]", row["answer"])) <= 10]
    if not kept:
        raise UserError(f"{answers}: none of {len(rows):,} answers is a list of letters")
    write_jsonl(out, kept[:enough])
    return f"{len(kept):,} of {len(rows):,} answers are letters"
