"""Plain text, such as books, as documents of the corpus: a paragraph each.

A long paragraph is split at the end of a sentence, where there is one. A piece that holds a digit
is left out, so that numbers stay as independent of words as in the rest of the corpus.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from support.files import read_text

LONGEST = 800  # characters: about as many as a block of a base holds


def pieces(text: str) -> Iterator[str]:
    """The paragraphs of a text, the long ones in parts; together they are all of it."""
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


def prose(files: Sequence[Path]) -> Iterator[list[tuple[str, str]]]:
    """The documents of some text files; prints how many pieces of each are left out."""
    for path in files:
        found = list(pieces(read_text(path)))
        kept = [piece for piece in found if not any(letter.isdigit() for letter in piece)]
        yield from ([("text", piece)] for piece in kept)
        print(f"{path}: {len(kept):,} documents; {len(found) - len(kept):,} more hold a digit and "
              "are left out")
