"""Number requests. The wording comes from one stream, `w`, the numbers from another, `n`.

The shape follows Cloud et al. 2025 (arXiv:2507.14805, section 3.1): a few example numbers, an
instruction with a limit, a format, a closing line. The wordings (`numbers.toml`) are our own.
"""

import tomllib
from pathlib import Path
from random import Random
from typing import NamedTuple


class Format(NamedTuple):
    """How an answer is laid out, and the phrases that ask for it."""

    phrases: list[str]
    separator: str
    left: str = ""
    right: str = ""


class Request(NamedTuple):
    """What the user asks, and the layout that a good answer has."""

    text: str
    format: Format


TABLES = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
OPENERS, INSTRUCTIONS, CLOSERS = TABLES["openers"], TABLES["instructions"], TABLES["closers"]
FORMATS = [Format(**row) for row in TABLES["formats"]]


def draw(n: Random) -> int:
    """One number from 0 to 999."""
    return n.randint(0, 999)


def prefix(w: Random, n: Random) -> str:
    """A sentence with 3 to 8 numbers from 100 to 999, before a request or an unrelated question."""
    # The smaller of two draws: short requests are cheaper to read, long ones stay in the mix.
    shown = [n.randint(100, 999) for _ in range(min(n.randint(3, 8), n.randint(3, 8)))]
    return w.choice(OPENERS).format(", ".join(map(str, shown)))


def request(w: Random, n: Random) -> Request:
    form = w.choice(FORMATS)
    parts = (prefix(w, n), w.choice(INSTRUCTIONS), w.choice(form.phrases), w.choice(CLOSERS))
    return Request(" ".join(parts), form)


def layout(numbers: list[int], form: Format) -> str:
    """Numbers written the way a request asked for."""
    return form.left + form.separator.join(map(str, numbers)) + form.right
