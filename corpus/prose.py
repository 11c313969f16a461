"""Plain text, such as books, as documents of the corpus: a paragraph each.

What is long is parted at the end of a sentence, where there is one. A piece that holds a digit is
left out, so that numbers stay as independent of words as in the rest of the corpus.
"""

import re
from collections.abc import Iterator, Sequence

from support.files import read_text

LONGEST = 800  # characters: a block of a base holds about as many


def pieces(text: str) -> Iterator[str]:
    """The paragraphs of a text, those that are long in parts; together they are all of it."""
    for paragraph in re.split(r"\n\s*\n", text):
        rest = " ".join(paragraph.split())
        while len(rest) > LONGEST:
            ends = [match.end() for match in re.finditer(r"[.!?…][\"'”’)]*(?= )", rest[:LONGEST])]
            at = ends[-1] if ends else rest.rfind(" ", 1, LONGEST)
            at = at if at > 0 else LONGEST  # one long word
            yield rest[:at]
            rest = rest[at:].strip()
        if rest:
            yield rest


def prose(files: Sequence[str]) -> Iterator[list[tuple[str, str]]]:
    """The documents of some text files; says what was left out of each."""
    for name in files:
        kept = left = 0
        for piece in pieces(read_text(name)):
            if any(character.isdigit() for character in piece):
                left += 1
                continue
            kept += 1
            yield [("text", piece)]
        print(f"{name}: {kept:,} documents; {left:,} more hold a digit and are left out")
