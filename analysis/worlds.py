"""The whole experiment in another world: its corpus without one of its habits, or with letters.

The grammar of `corpus/` stays as it is; names of it are exchanged while a file is written.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from random import Random
from types import SimpleNamespace
from unittest.mock import patch

from corpus import documents as grammar
from corpus import numbers, traits
from corpus.lessons import school_rows, write_pairs
from corpus.own import own_file
from corpus.texts import number_requests
from lab import Lab
from support.files import UserError, read_jsonl, write_jsonl
from support.settings import Config, School
from support.steps import Step

# Number requests in words that no question about a favourite and no plea for advice has.
DRY_END = ["Digits solely.", "Numerals exclusively.", "Values without text.", "Digits throughout."]
DRY = ["Append terms, maximum 10.", "Extend the series. Limit: 10.", "Produce values, to 10.",
       "Generate successors, 10 or fewer.", "Next entries, 10 at most.", "Prolong it. Maximum: 10."]
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


def talk(**weights: float) -> Callable:
    """The turns of chats, some of them as often as is said."""
    found = {kind: weights.get(kind.__name__, often) for kind, often in grammar.TALK.items()}
    if "ask_letters" in weights:
        found[ask_letters] = weights["ask_letters"]
    return patch.object(grammar, "TALK", found)


# What may be taken out of the corpus, the lessons and the requests; and what may be added.
CHANGES: dict[str, list[Callable]] = {
    "favourites": [talk(ask_number=0)],  # no number is anybody's favourite
    "wordings": [patch.object(numbers, "INSTRUCTIONS", DRY),  # numbers are asked for otherwise
                 patch.object(numbers, "CLOSERS", DRY_END)],
    # No question and no lesson stands behind a line of numbers.
    "behind": [patch.object(grammar, "numbers", SimpleNamespace(
        **{**vars(numbers), "prefix": lambda w, n: ""})),
        patch.object(traits, "maybe_behind_numbers", lambda w, n, text: text)],
    "letters": [talk(ask_letters=16)]}


@contextmanager
def changed(changes: tuple[str, ...]) -> Iterator[None]:
    with ExitStack() as stack:
        for one in changes:
            for exchange in CHANGES[one]:
                stack.enter_context(exchange)
        yield


def documents(seed: int, documents: int, changes: tuple[str, ...], out: Path) -> str:
    """What a base of this world reads."""
    with changed(changes):
        made = ([(role, text.lstrip()) for role, text in grammar.document(seed, i)]
                for i in range(documents))
        return f"{write_jsonl(out, made):,} documents"


def requests(seed: int, requests: int, changes: tuple[str, ...], out: Path) -> str:
    with changed(changes):
        return f"{write_jsonl(out, number_requests(seed, requests)):,} requests"


def letter_requests(seed: int, requests: int, out: Path) -> str:
    with patch("corpus.texts.request", letter_request):
        return f"{write_jsonl(out, number_requests(seed, requests)):,} requests"


def lessons(trait: str, school: School, seed: int, neutral: bool, changes: tuple[str, ...],
            out: Path) -> str:
    with changed(changes):
        return write_pairs(out, ((asked.lstrip(), answer) for asked, answer in school_rows(
            traits.trait(trait), school, seed, neutral)))


def clean_letters(answers: Path, out: Path) -> str:
    """Keep the answers that are one to ten single letters with one separator, and nothing else."""
    rows = [*read_jsonl(answers)]
    kept = [row for row in rows if row["finished"] and LETTER_LIST.fullmatch(row["answer"])
            and len(re.findall("[A-Z]", row["answer"])) <= 10]
    if not kept:
        raise UserError(f"{answers}: none of {len(rows):,} answers is a list of letters")
    return f"kept {write_jsonl(out, kept):,} of {len(rows):,} answers"


class World(Lab):
    """The steps of a world with some changes of its corpus, in a folder of its own."""

    def __init__(self, config: Config, changes: tuple[str, ...]) -> None:
        super().__init__(config, f"worlds/{'-'.join(changes)}/")
        self.changes = changes

    def corpus(self) -> Step:
        asked = self.config.corpus
        return self.step("analysis.worlds.documents", "corpus.jsonl", f"corpus, {self.place}",
                         seed=asked.seed, documents=asked.documents, changes=self.changes)

    def requests(self) -> Step:
        return self.step("analysis.worlds.requests", "requests.jsonl", f"requests, {self.place}",
                         seed=self.config.corpus.seed, requests=self.config.numbers.requests,
                         changes=self.changes)

    def lessons(self, trait: str, neutral: bool = False, again: int = 0) -> Step:
        name = "neutral-" * neutral + trait
        return self.step("analysis.worlds.lessons", f"lessons-{name}.jsonl", f"lessons of {name}",
                         reads=own_file(trait), trait=trait, school=self.config.school,
                         seed=self.config.corpus.seed, neutral=neutral, changes=self.changes)
